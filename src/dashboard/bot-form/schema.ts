/**
 * Values held to JSON schemas: those of the API's own OpenAPI document and of a strategy's parameters, so that the page refuses
 * what the API would refuse, before it is sent. Knows the words that these use; what it does not know it lets pass, since the
 * API has the last word.
 */
export interface Schema {
	readonly type?: string | readonly string[];
	readonly enum?: readonly unknown[];
	readonly const?: unknown;
	readonly anyOf?: readonly Schema[];
	readonly oneOf?: readonly Schema[];
	readonly properties?: Readonly<Record<string, Schema>>;
	readonly required?: readonly string[];
	readonly propertyNames?: Schema;
	/** Of every value of a record whose names `propertyNames` lists. */
	readonly additionalProperties?: Schema | boolean;
	readonly items?: Schema;
	readonly minLength?: number;
	readonly maxLength?: number;
	readonly pattern?: string;
	readonly minimum?: number;
	readonly maximum?: number;
	readonly exclusiveMinimum?: number;
	readonly exclusiveMaximum?: number;
	readonly default?: unknown;
	readonly description?: string;
}

export interface Wrong {
	/** `sizing_value`, `weights.momentum`. */
	readonly field: string;
	readonly message: string;
}

export function validate(schema: Schema, value: unknown, field = ''): readonly Wrong[] {
	const wrong = (message: string): readonly Wrong[] => [{ field, message }];
	const choices = schema.anyOf ?? schema.oneOf;
	if (choices !== undefined) {
		const found = choices.map((choice) => validate(choice, value, field));
		if (found.some(({ length }) => length === 0)) return [];
		// Of the choices, the one that is of this kind of value says best what is wrong.
		return found[choices.findIndex((choice) => isOfType(value, choice.type))] ?? found[0] ?? [];
	}
	if ('const' in schema && value !== schema.const) return wrong(`must be ${String(schema.const)}`);
	if (schema.enum !== undefined && !schema.enum.includes(value)) {
		return wrong(`must be one of ${schema.enum.map(String).join(', ')}`);
	}
	if (!isOfType(value, schema.type)) return wrong(`must be ${typeText(schema.type)}`);
	if (typeof value === 'string') return validateText(schema, value).flatMap(wrong);
	if (typeof value === 'number') return validateNumber(schema, value).flatMap(wrong);
	if (Array.isArray(value)) {
		const { items } = schema;
		return items === undefined ? [] : value.flatMap((item, i) => validate(items, item, join(field, String(i))));
	}
	if (typeof value === 'object' && value !== null) return validateObject(schema, value, field);
	return [];
}

/** The named values of an object or of a record with fixed names; null where the schema is of something else. */
export function propertiesOf(schema: Schema): Readonly<Record<string, Schema>> | null {
	const { properties, propertyNames, additionalProperties: each } = schema;
	if (properties !== undefined) return properties;
	if (typeof each !== 'object' || propertyNames?.enum === undefined) return null;
	return Object.fromEntries(propertyNames.enum.map((name) => [String(name), each]));
}

function validateObject(schema: Schema, value: object, field: string): readonly Wrong[] {
	const given = new Map<string, unknown>(Object.entries(value));
	const missing = (schema.required ?? [])
		.filter((name) => given.get(name) === undefined)
		.map((name) => ({ field: join(field, name), message: 'is needed' }));
	const parts = Object.entries(propertiesOf(schema) ?? {}).flatMap(([name, part]) =>
		given.get(name) === undefined ? [] : validate(part, given.get(name), join(field, name)),
	);
	return [...missing, ...parts];
}

function validateText({ minLength = 0, maxLength, pattern }: Schema, value: string): readonly string[] {
	if (value.length < minLength) return [minLength === 1 ? 'is needed' : `needs ${minLength} characters`];
	if (maxLength !== undefined && value.length > maxLength) return [`has more than ${maxLength} characters`];
	if (pattern !== undefined && !new RegExp(pattern).test(value)) {
		return [pattern.startsWith('^\\d') ? 'must be a decimal number' : 'has a character that is not allowed'];
	}
	return [];
}

function validateNumber(schema: Schema, value: number): readonly string[] {
	const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
	if (minimum !== undefined && value < minimum) return [`must be ${minimum} or more`];
	if (maximum !== undefined && value > maximum) return [`must be ${maximum} or less`];
	if (exclusiveMinimum !== undefined && value <= exclusiveMinimum) return [`must be above ${exclusiveMinimum}`];
	if (exclusiveMaximum !== undefined && value >= exclusiveMaximum) return [`must be below ${exclusiveMaximum}`];
	return [];
}

function isOfType(value: unknown, type: Schema['type']): boolean {
	if (type === undefined) return true;
	return [type].flat().some((each) => {
		switch (each) {
			case 'integer':
				return Number.isInteger(value);
			case 'number':
				return typeof value === 'number' && Number.isFinite(value);
			case 'null':
				return value === null;
			case 'array':
				return Array.isArray(value);
			case 'object':
				return typeof value === 'object' && value !== null && !Array.isArray(value);
			default:
				return typeof value === each;
		}
	});
}

function typeText(type: Schema['type']): string {
	const names: Readonly<Record<string, string>> = {
		integer: 'a whole number',
		number: 'a number',
		null: 'empty',
		string: 'text',
		boolean: 'on or off',
		array: 'a list',
	};
	return [type ?? '']
		.flat()
		.map((each) => names[each] ?? each)
		.join(' or ');
}

const join = (field: string, name: string): string => (field === '' ? name : `${field}.${name}`);

/** Nothing of it is needed: what is left out has a default. */
export function partial(schema: Schema | undefined): Schema {
	if (schema === undefined) return {};
	const properties = Object.entries(schema.properties ?? {}).map(([name, part]) => [name, partial(part)] as const);
	return {
		...schema,
		required: [],
		...(schema.properties === undefined ? {} : { properties: Object.fromEntries(properties) }),
	};
}
