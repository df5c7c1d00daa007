/** Seeded chance, so that a failing run can be repeated: mulberry32. */
export interface Random {
	/** In [0, 1). */
	next(): number;
	/** One of the items. */
	pick<T>(items: readonly T[]): T;
}

export function seededRandom(seed: number): Random {
	let state = seed >>> 0;
	const next = (): number => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
	return {
		next,
		pick: (items) => {
			const item = items[Math.floor(next() * items.length)];
			if (item === undefined) throw new RangeError('nothing to pick from');
			return item;
		},
	};
}

/**
 * The chance of one place in a drill, such as the kills of the second execution of minute 4. It depends on seed and place alone, so
 * that what is drawn, or not drawn, elsewhere shifts nothing here.
 */
export function randomAt(seed: number, ...place: readonly (string | number)[]): Random {
	// FNV-1a.
	let hash = 0x811c9dc5;
	for (const character of [seed, ...place].join('/'))
		hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
	return seededRandom(hash);
}
