const acronyms = new Set(['adx', 'atr', 'cci', 'ema', 'ioc', 'macd', 'pnl', 'rsi', 'sma', 'ttl', 'vwap', 'z']);

/** Codes as words: `TRENDING_UP` becomes `Trending up`. */
export function words(code: string | null | undefined): string {
	if (code === null || code === undefined || code === '') return '–';
	const text = code
		.toLowerCase()
		.split('_')
		.map((word) => (acronyms.has(word) ? word.toUpperCase() : word))
		.join(' ');
	return text.charAt(0).toUpperCase() + text.slice(1);
}

export type Tone = 'good' | 'bad' | 'warn' | 'accent' | 'plain';

const tones: Readonly<Record<string, Tone>> = {
	ACTIVE: 'good',
	RUNNING: 'good',
	EXECUTED: 'good',
	FILLED: 'good',
	OPEN: 'accent',
	QUEUED: 'accent',
	PENDING: 'accent',
	EXECUTING: 'accent',
	SUBMITTING: 'accent',
	PARTIALLY_FILLED: 'accent',
	TAKEN: 'good',
	PLANNED: 'accent',
	HELD: 'warn',
	PAUSED: 'warn',
	REJECTED: 'warn',
	STALE_DATA: 'warn',
	PARKED: 'warn',
	EXPIRED: 'warn',
	REDUCING: 'warn',
	HALF_OPEN: 'warn',
	WARNING: 'warn',
	UNKNOWN: 'bad',
	FAILED: 'bad',
	TIMED_OUT: 'bad',
	HALTED: 'bad',
	LOST: 'bad',
	CRITICAL: 'bad',
};

/** The colour of a status; what has none of its own is plain. */
export function toneOf(status: string | null): Tone {
	return tones[status ?? ''] ?? 'plain';
}
