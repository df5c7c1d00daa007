/** Deterministic noise: a value is a pure function of (key, index), so that any minute of any day is computed alone. */

/** A 32-bit key of a text (FNV-1a): names a stream of numbers that is independent of every other stream. */
export function keyOf(seed: number, ...parts: readonly (string | number)[]): number {
	let hash = 0x811c9dc5 ^ seed;
	for (const character of parts.join('/')) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
	return hash | 0;
}

/** MurmurHash3's finalizer over key and index: uniform in [0, 1). About 5 ns. */
export function uniform(key: number, index: number): number {
	let hash = (key ^ Math.imul(index | 0, 0x9e3779b1)) | 0;
	hash ^= hash >>> 16;
	hash = Math.imul(hash, 0x85ebca6b);
	hash ^= hash >>> 13;
	hash = Math.imul(hash, 0xc2b2ae35);
	hash ^= hash >>> 16;
	return (hash >>> 0) / 4294967296;
}

/** Uniform in [-1, 1). */
export function signed(key: number, index: number): number {
	return 2 * uniform(key, index) - 1;
}

/** A value that mostly trends: -1, 0 or 1 with some jitter, so that neighbours make a rise, a fall or a range. */
export function stepped(key: number, index: number): number {
	const draw = uniform(key, index);
	const level = draw < 0.32 ? -1 : draw < 0.64 ? 1 : 0;
	return level + 0.25 * signed(key ^ 0x5bd1e995, index);
}

/**
 * Lattice noise, linear between lattice points `period` apart. It remembers its last cell: walking minute by minute
 * costs no hash in most steps, while a jump anywhere still costs two.
 */
export class LatticeNoise {
	private readonly key: number;
	private readonly period: number;
	private readonly phase: number;
	private readonly draw: (key: number, index: number) => number;
	private cell = Number.NaN;
	private left = 0;
	private right = 0;

	constructor(key: number, period: number, draw: (key: number, index: number) => number = signed) {
		this.key = key;
		this.period = period;
		// A phase of its own keeps the kinks of different octaves apart; a whole one keeps the shortest octave white, which
		// is what takes the momentum out of one-minute returns (their autocorrelation is zero).
		this.phase = Math.floor(uniform(key, -1) * period);
		this.draw = draw;
	}

	at(x: number): number {
		const position = (x + this.phase) / this.period;
		const cell = Math.floor(position);
		if (cell !== this.cell) {
			this.left = cell === this.cell + 1 ? this.right : this.draw(this.key, cell);
			this.right = this.draw(this.key, cell + 1);
			this.cell = cell;
		}
		return this.left + (this.right - this.left) * (position - cell);
	}
}
