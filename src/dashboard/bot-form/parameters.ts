/** A strategy's parameters as single fields, and what was entered in them as the nested object that the API takes. */
import { propertiesOf, type Schema } from './schema.ts';

export interface ParameterField {
	/** `entry_threshold`, `weights.momentum`. */
	readonly path: string;
	readonly schema: Schema;
	/** What holds unless it is changed; undefined where there is none. */
	readonly fallback: unknown;
}

export function fieldsOf(schema: Schema, defaults: unknown, path = ''): readonly ParameterField[] {
	return Object.entries(propertiesOf(schema) ?? {}).flatMap(([name, part]) => {
		const own = path === '' ? name : `${path}.${name}`;
		const fallback = partOf(defaults, name) ?? part.default;
		return propertiesOf(part) === null ? [{ path: own, schema: part, fallback }] : fieldsOf(part, fallback, own);
	});
}

/** As it stands in its field. */
export function textOfValue(value: unknown): string {
	if (value === undefined || value === null) return '';
	return Array.isArray(value) ? value.map(String).join(', ') : String(value);
}

/** Text as the value that its schema asks for; text that is no such value stays text, for the validation to refuse. */
export function valueFrom(schema: Schema, text: string): unknown {
	const types = typesOf(schema);
	if (text.trim() === '' && types.has('null')) return null;
	if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true';
	if (types.has('array')) {
		return text
			.split(',')
			.map((part) => part.trim())
			.filter((part) => part !== '');
	}
	if (isNumeric(schema) && text.trim() !== '' && Number.isFinite(Number(text))) {
		return Number(text);
	}
	return text;
}

/** Whether its figures are to be aligned as such. */
export function isNumeric(schema: Schema): boolean {
	const types = typesOf(schema);
	return types.has('number') || types.has('integer');
}

/** The fixed values that a field takes, where it takes only those. */
export function choicesOf(schema: Schema): readonly unknown[] | null {
	return schema.enum ?? (typesOf(schema).has('boolean') ? [true, false] : null);
}

/**
 * Only what differs from the defaults: a bot follows these where nothing else was said. Of a group, such as the weights, the API
 * takes all or nothing.
 */
export function changesOf(fields: readonly ParameterField[], entered: ReadonlyMap<string, string>): object {
	const textFor = ({ path, fallback }: ParameterField): string => entered.get(path) ?? textOfValue(fallback);
	const changed = new Set(
		fields.filter((field) => textFor(field) !== textOfValue(field.fallback)).map(({ path }) => groupOf(path)),
	);
	const changes: Record<string, unknown> = {};
	for (const field of fields) {
		if (changed.has(groupOf(field.path))) put(changes, field.path.split('.'), valueFrom(field.schema, textFor(field)));
	}
	return changes;
}

const groupOf = (path: string): string => path.split('.')[0] ?? path;

function put(target: Record<string, unknown>, [name = '', ...rest]: readonly string[], value: unknown): void {
	if (rest.length === 0) {
		target[name] = value;
		return;
	}
	const part = (target[name] ?? {}) as Record<string, unknown>;
	target[name] = part;
	put(part, rest, value);
}

function typesOf(schema: Schema): ReadonlySet<string> {
	const parts = schema.anyOf ?? schema.oneOf ?? [];
	return new Set([...[schema.type ?? []].flat(), ...parts.flatMap((part) => [...typesOf(part)])]);
}

function partOf(value: unknown, name: string): unknown {
	return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
