/** Random values of the JSON schemas in the OpenAPI document: some that fit them, some that do not. */
import fc from 'fast-check';

export interface JsonSchema {
	readonly $ref?: string;
	readonly type?: string | readonly string[];
	readonly enum?: readonly unknown[];
	readonly const?: unknown;
	readonly anyOf?: readonly JsonSchema[];
	readonly oneOf?: readonly JsonSchema[];
	readonly properties?: Readonly<Record<string, JsonSchema>>;
	readonly required?: readonly string[];
	readonly items?: JsonSchema;
	readonly minimum?: number;
	readonly maximum?: number;
	readonly exclusiveMinimum?: number;
	readonly minLength?: number;
	readonly maxLength?: number;
	readonly minItems?: number;
	readonly format?: string;
	readonly pattern?: string;
}

/** `find` follows a `$ref`. */
export function fitting(schema: JsonSchema, find: (ref: string) => JsonSchema): fc.Arbitrary<unknown> {
	if (schema.$ref !== undefined) return fitting(find(schema.$ref), find);
	if (schema.const !== undefined) return fc.constant(schema.const);
	if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
	const choices = schema.anyOf ?? schema.oneOf;
	if (choices !== undefined) return fc.oneof(...choices.map((choice) => fitting(choice, find)));
	const type = typeof schema.type === 'string' ? schema.type : schema.type?.[0];
	switch (type) {
		case 'integer':
			return fc.integer({ min: schema.minimum ?? 1, max: Math.min(schema.maximum ?? 50, 2_000_000) });
		case 'number':
			return fc.double({
				min: schema.minimum ?? schema.exclusiveMinimum ?? 0,
				max: Math.min(schema.maximum ?? 1_000, 1_000_000),
				noNaN: true,
			});
		case 'boolean':
			return fc.boolean();
		case 'null':
			return fc.constant(null);
		case 'array':
			return fc.array(fitting(schema.items ?? {}, find), { minLength: schema.minItems ?? 0, maxLength: 4 });
		case 'object':
			return objectOf(schema, find);
		case 'string':
			return textOf(schema);
		default:
			return fc.jsonValue({ maxDepth: 2 });
	}
}

/** Whatever clients send that were written in a hurry, or by somebody who means no good. */
export const wrong: fc.Arbitrary<unknown> = fc.oneof(
	fc.jsonValue({ maxDepth: 2 }),
	fc.constantFrom<unknown>(
		...[
			'',
			' ',
			'\0',
			'😀',
			"'; drop table botbox.bots; --",
			'<script>alert(1)</script>',
			'x'.repeat(300),
			'1e400',
			'NaN',
		],
		...[-1, 0, 1.5, 1e308, Number.MAX_SAFE_INTEGER, [], {}, [[]], null, true, { __proto__: 1 }, { constructor: 1 }],
	),
);

function objectOf(schema: JsonSchema, find: (ref: string) => JsonSchema): fc.Arbitrary<unknown> {
	const required = new Set(schema.required ?? []);
	const properties = Object.entries(schema.properties ?? {});
	return fc.record(Object.fromEntries(properties.map(([name, property]) => [name, fitting(property, find)])), {
		requiredKeys: properties.map(([name]) => name).filter((name) => required.has(name)),
	});
}

function textOf(schema: JsonSchema): fc.Arbitrary<unknown> {
	if (schema.format === 'uuid' || schema.format === 'guid') return fc.uuid();
	if (schema.pattern?.includes('\\d')) return fc.integer({ min: 1, max: 5_000 }).map(String);
	return fc.string({ minLength: schema.minLength ?? 1, maxLength: Math.min(schema.maxLength ?? 20, 20) });
}
