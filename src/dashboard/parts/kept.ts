import { useState } from 'react';

const kept = new Map<string, unknown>();

/** State that outlives its component: filter and order of a table are as one left them. */
export function useKept<T>(key: string, initial: T): [T, (value: T) => void] {
	const [value, setValue] = useState<T>(() => (kept.has(key) ? (kept.get(key) as T) : initial));
	return [
		value,
		(next) => {
			kept.set(key, next);
			setValue(next);
		},
	];
}
