/** The limiter of last resort: a token bucket in this process, while the database cannot be asked. For reads only. */
export class LocalLimiter {
	private readonly perSecond: () => number;
	private readonly monotonic: () => number;
	private tokens: number;
	private refilledAt: number;

	/** `perSecond`: weight granted a second; the burst is one second's worth. */
	constructor(perSecond: () => number, monotonic: () => number = () => performance.now()) {
		this.perSecond = perSecond;
		this.monotonic = monotonic;
		// Empty at first: what the database granted a moment ago still counts.
		this.tokens = 0;
		this.refilledAt = monotonic();
	}

	/** Takes the weight and answers 0, or takes nothing and answers the milliseconds to wait. */
	take(weight: number): number {
		const rate = this.perSecond();
		const now = this.monotonic();
		this.tokens = Math.min(rate, this.tokens + ((now - this.refilledAt) / 1000) * rate);
		this.refilledAt = now;
		// Heavier than the bucket: it takes the full bucket, or it would wait for ever.
		const needed = Math.min(weight, rate);
		if (this.tokens >= needed) {
			this.tokens -= needed;
			return 0;
		}
		return Math.ceil(((needed - this.tokens) / rate) * 1000);
	}
}
