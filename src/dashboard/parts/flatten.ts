/** Nested values as lines of path and text, in the order of their names: `weights.momentum`, `0.05`. */
export function flatten(value: unknown, path = ''): readonly (readonly [string, string])[] {
	if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
		return Object.entries(value)
			.sort(([a], [b]) => a.localeCompare(b, 'en'))
			.flatMap(([name, part]) => flatten(part, path === '' ? name : `${path}.${name}`));
	}
	return path === '' ? [] : [[path, Array.isArray(value) ? value.map(String).join(', ') : text(value)]];
}

const text = (value: unknown): string => (value === null ? 'none' : String(value));
