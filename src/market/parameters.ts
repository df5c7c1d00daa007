/** Parameters of strategies: laid over one another, and compared. Both look into nested objects, such as weights. */

export type Parameters = Readonly<Record<string, unknown>>;

export interface Difference {
	/** Dotted path, e.g. `weights.macd`. */
	readonly parameter: string;
	/** Undefined where this side has no such parameter. */
	readonly before: unknown;
	readonly after: unknown;
}

/** `changes` over `base`: nested objects are merged, everything else, arrays and null too, is replaced. */
export function mergeParameters(base: Parameters, changes: Parameters): Parameters {
	const merged: Record<string, unknown> = { ...base };
	for (const [name, value] of Object.entries(changes)) {
		const present = merged[name];
		merged[name] = isNested(present) && isNested(value) ? mergeParameters(present, value) : value;
	}
	return merged;
}

/** Every parameter whose values differ, in the order of `after`, then those that only `before` has. */
export function diffParameters(before: Parameters, after: Parameters): Difference[] {
	const [left, right] = [flatten(before), flatten(after)];
	return [...new Set([...right.keys(), ...left.keys()])].flatMap((parameter) => {
		const difference = { parameter, before: left.get(parameter), after: right.get(parameter) };
		return JSON.stringify(difference.before) === JSON.stringify(difference.after) ? [] : [difference];
	});
}

function flatten(parameters: Parameters, path = ''): Map<string, unknown> {
	const flat = new Map<string, unknown>();
	for (const [name, value] of Object.entries(parameters)) {
		if (isNested(value)) for (const [inner, nested] of flatten(value, `${path}${name}.`)) flat.set(inner, nested);
		else flat.set(`${path}${name}`, value);
	}
	return flat;
}

function isNested(value: unknown): value is Parameters {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
