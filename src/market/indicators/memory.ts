/** What indicators remember, made so that the last candle can be taken back. */

/** A state of named numbers beside the one that it was before the last candle. */
export class Rewindable<S extends object> {
	readonly #now: S;
	readonly #before: S;

	constructor(initial: S) {
		this.#now = { ...initial };
		this.#before = { ...initial };
	}

	/** The state to change by a candle: the present one, or with `replace` the one before the last candle. */
	open(replace: boolean): S {
		if (replace) Object.assign(this.#now, this.#before);
		else Object.assign(this.#before, this.#now);
		return this.#now;
	}

	/** The state after the last candle. */
	get now(): Readonly<S> {
		return this.#now;
	}
}

/** The value before the last one. */
export class Previous<T> {
	#last: T | undefined;
	#previous: T | undefined;

	/** Takes a value and returns the one before it; undefined before the first. */
	update(value: T, replace: boolean): T | undefined {
		if (!replace) this.#previous = this.#last;
		this.#last = value;
		return this.#previous;
	}
}

/**
 * A window is long enough to forget to 10^-12 (`src/strategies/history.ts`). Below this share of what a figure once was that is
 * 2 × 10^-11 of it, and a ratio of such figures, or a score made of it, may be off by 10^-9.
 */
const fadedShare = 0.05;

/** Whether a smoothed figure has ever fallen far below its highest value: what was averaged meanwhile keeps the error. */
export class Fading {
	readonly #state = new Rewindable({ peak: 0, hasFaded: false });

	update(value: number, replace: boolean): void {
		const state = this.#state.open(replace);
		state.peak = Math.max(state.peak, value);
		state.hasFaded ||= value < fadedShare * state.peak;
	}

	get hasFaded(): boolean {
		return this.#state.now.hasFaded;
	}
}
