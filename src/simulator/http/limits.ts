/**
 * Bybit's limits and the tally of requests. https://bybit-exchange.github.io/docs/v5/rate-limit: 600 requests in 5 s per
 * IP, then 403 for 10 minutes; per key, endpoint and second as below.
 */
export interface LimitOptions {
	readonly ipRequests: number;
	readonly ipWindowMs: number;
	readonly ipBanMs: number;
	/** Create, amend, cancel: each endpoint has this many a second. */
	readonly linearTradePerSecond: number;
	readonly spotTradePerSecond: number;
	readonly positionPerSecond: number;
	readonly readPerSecond: number;
}

export const publishedLimits: LimitOptions = {
	ipRequests: 600,
	ipWindowMs: 5_000,
	ipBanMs: 600_000,
	linearTradePerSecond: 10,
	spotTradePerSecond: 20,
	positionPerSecond: 10,
	readPerSecond: 50,
};

export interface KeyGrant {
	readonly allowed: boolean;
	readonly limit: number;
	readonly left: number;
	/** When a request is possible again. */
	readonly resetAt: number;
}

interface Ban {
	readonly ip: string;
	readonly from: number;
	readonly until: number;
	readonly reason: 'limit' | 'fault';
}

interface Worst {
	requests: number;
	at: number;
}

/** Seconds of history that the tally keeps. */
const keptSeconds = 7_200;

export class Limits {
	private readonly options: LimitOptions;
	private readonly windows = new Map<string, number[]>();
	private readonly keyWindows = new Map<string, number[]>();
	private readonly bans: Ban[] = [];
	private readonly endpoints = new Map<string, number>();
	private readonly keys = new Map<string, Map<string, number>>();
	private readonly seconds = new Map<number, number>();
	private readonly worst: Worst = { requests: 0, at: 0 };
	private readonly worstKeys = new Map<string, Worst & { limit: number }>();
	private readonly refused = { ip: 0, key: 0 };
	private total = 0;

	constructor(options: LimitOptions) {
		this.options = options;
	}

	/** Counts a request of an IP; false: the IP is banned, or has just been. */
	admitIp(ip: string, path: string, now: number): boolean {
		this.total += 1;
		count(this.endpoints, path);
		count(this.seconds, Math.floor(now / 1000));
		if (this.seconds.size > keptSeconds)
			for (const oldest of this.seconds.keys()) {
				this.seconds.delete(oldest);
				break;
			}
		if (this.isBanned(ip, now)) {
			this.refused.ip += 1;
			return false;
		}
		const window = slide(this.windows, ip, now - this.options.ipWindowMs);
		window.push(now);
		if (window.length > this.worst.requests) Object.assign(this.worst, { requests: window.length, at: now });
		if (window.length <= this.options.ipRequests) return true;
		this.ban(ip, now, 'limit');
		this.refused.ip += 1;
		return false;
	}

	ban(ip: string, now: number, reason: Ban['reason']): void {
		this.bans.push({ ip, from: now, until: now + this.options.ipBanMs, reason });
		this.windows.delete(ip);
	}

	liftBans(): void {
		this.bans.length = 0;
	}

	isBanned(ip: string, now: number): boolean {
		return this.bans.some((ban) => ban.ip === ip && now >= ban.from && now < ban.until);
	}

	/** Counts a request of a key in its bucket; a refused request does not count against the next second. */
	admitKey(apiKey: string, path: string, kind: 'trade' | 'position' | 'read', category: string, now: number): KeyGrant {
		const ofKey = this.keys.get(apiKey) ?? new Map<string, number>();
		this.keys.set(apiKey, ofKey);
		count(ofKey, path);
		const bucket = kind === 'trade' ? `${apiKey} ${path} ${category}` : `${apiKey} ${path}`;
		const limit = this.limitOf(kind, category);
		const window = slide(this.keyWindows, bucket, now - 1000);
		const worst = this.worstKeys.get(bucket) ?? { requests: 0, at: now, limit };
		this.worstKeys.set(bucket, worst);
		if (window.length + 1 > worst.requests) Object.assign(worst, { requests: window.length + 1, at: now });
		if (window.length >= limit) {
			this.refused.key += 1;
			return { allowed: false, limit, left: 0, resetAt: (window[0] ?? now) + 1000 };
		}
		window.push(now);
		return { allowed: true, limit, left: limit - window.length, resetAt: now };
	}

	report(): object {
		return {
			total: this.total,
			endpoints: Object.fromEntries(this.endpoints),
			keys: Object.fromEntries([...this.keys].map(([key, paths]) => [key, Object.fromEntries(paths)])),
			seconds: Object.fromEntries(this.seconds),
			worstWindow: { ...this.worst, windowMs: this.options.ipWindowMs, limit: this.options.ipRequests },
			worstKeyWindows: Object.fromEntries(this.worstKeys),
			refused: this.refused,
			bans: this.bans,
		};
	}

	private limitOf(kind: 'trade' | 'position' | 'read', category: string): number {
		if (kind === 'read') return this.options.readPerSecond;
		if (kind === 'position') return this.options.positionPerSecond;
		return category === 'spot' ? this.options.spotTradePerSecond : this.options.linearTradePerSecond;
	}
}

function count<Key>(counts: Map<Key, number>, key: Key): void {
	counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** The times after `since` of a sliding window, to be pushed to. */
function slide(windows: Map<string, number[]>, key: string, since: number): number[] {
	const window = windows.get(key) ?? [];
	let old = 0;
	while (old < window.length && (window[old] ?? 0) <= since) old += 1;
	if (old > 0) window.splice(0, old);
	windows.set(key, window);
	return window;
}
