/**
 * Candle windows of a worker: one load per instrument and timeframe for all bots of all batches, kept until the feed has
 * stored something new, and then extended by what is new; the feed's history revision tells that nothing else has changed.
 * State that is derived only: a restart loads the same windows again.
 */

import type { Queryable } from '../database/functions/define.ts';
import { loadCandleWindows } from '../database/functions/market.ts';
import { lastClosedOpen, type Regime, type Timeframe, timeframeMs } from '../domain.ts';
import type { MarketView } from '../strategies/strategy.ts';
import { FundingCache } from './funding-cache.ts';
import { KeptWindow } from './kept-window.ts';
import { classifyRegime, measureRegime, type RegimeFigures } from './regime.ts';
import { createMarketView, indicatorUse } from './view.ts';

/** A feed as a claim saw it. For a window of an older revision the database is asked, if the window can have changed. */
export interface FeedRevision {
	readonly revision: number;
	/** Of what is not new: corrections, late candles, backfills. Null where it is not known, or there is no feed. */
	readonly historyRevision: number | null;
}

export interface WindowRequest extends FeedRevision {
	readonly instrumentId: number;
	readonly timeframe: Timeframe;
	/** Candles that the most demanding strategy needs. */
	readonly candles: number;
	/** When the checks that ask were due, epoch ms: by then their candle had closed. */
	readonly dueAt: number;
}

/** One market at one candle, shared by every bot that looks at it. */
export interface Market {
	readonly view: MarketView;
	readonly regime: Regime | null;
	readonly regimeFigures: RegimeFigures | null;
	/** Opening time of the last closed candle, epoch ms. */
	readonly candleAt: number;
	readonly price: number;
}

interface Entry {
	revision: number;
	/** The revision and the time (epoch ms) that the database was last asked for. */
	loaded: { readonly revision: number; readonly at: number };
	/** The feed's revision of what lies before the newest candles, as the window was last told; null where there is no feed. */
	historyRevision: number | null;
	readonly candles: number;
	readonly kept: KeptWindow;
	market: Market;
}

/** How often the database was asked for a window and how often one that is held served without. */
export interface WindowUse {
	loaded: number;
	/** Of those loaded: how many were held already, so that only new candles came. */
	extended: number;
	reused: number;
}

/** Kept between two loads. */
const maxEntries = 2_000;
/**
 * Every so many candles the database compares a window candle by candle although its history stands still: whatever a person
 * changed in the tables by hand is noticed, of minutes within the hour, for a sixtieth of what comparing always would cost.
 */
const comparedEvery = 60;

export class CandleWindows {
	readonly use: WindowUse = { loaded: 0, extended: 0, reused: 0 };
	readonly funding = new FundingCache();
	readonly #entries = new Map<string, Entry>();
	readonly #maxEntries: number;
	/** Ends when the load under way has: batches that run side by side look at the same markets, and one of them loads them. */
	#turn: Promise<unknown> = Promise.resolve();

	constructor(limit = maxEntries) {
		this.#maxEntries = limit;
	}

	/** The markets asked for, by `marketKey`; one without any closed candle is left out. */
	async load(db: Queryable, requests: readonly WindowRequest[], now?: Date): Promise<ReadonlyMap<string, Market>> {
		const markets = new Map<string, Market>();
		const wanted = this.#takeHeld(requests, markets, (entry, request) => isCurrent(entry, request, now));
		this.use.reused += requests.length - wanted.length;
		if (wanted.length > 0) {
			const turn = this.#turn.then(async () => await this.#load(db, wanted, markets, now));
			this.#turn = turn.catch(() => undefined);
			await turn;
		}
		return markets;
	}

	async #load(
		db: Queryable,
		wanted: readonly WindowRequest[],
		markets: Map<string, Market>,
		now?: Date,
	): Promise<void> {
		const missing = this.#takeHeld(wanted, markets, (entry, request) => isJustLoaded(entry, request, now));
		this.use.reused += wanted.length - missing.length;
		if (missing.length > 0) await this.#fetch(db, missing, now);
		this.use.loaded += missing.length;
		for (const { instrumentId, timeframe } of missing) {
			const key = marketKey(instrumentId, timeframe);
			const entry = this.#entries.get(key);
			if (entry !== undefined) markets.set(key, entry.market);
		}
		this.#forgetOldest();
	}

	/** Takes what is held and good enough now: by the time the others are there another load may have forgotten it. Answers the rest. */
	#takeHeld(
		requests: readonly WindowRequest[],
		markets: Map<string, Market>,
		isGood: (entry: Entry, request: WindowRequest) => boolean,
	): WindowRequest[] {
		return requests.filter((request) => {
			const key = marketKey(request.instrumentId, request.timeframe);
			const entry = this.#entries.get(key);
			if (entry === undefined || !isGood(entry, request)) return true;
			markets.set(key, entry.market);
			return false;
		});
	}

	/** Only once a load has taken what it asked for: it may be more than is kept. A Map keeps the order of insertion. */
	#forgetOldest(): void {
		for (const key of this.#entries.keys()) {
			if (this.#entries.size <= this.#maxEntries) break;
			this.#entries.delete(key);
		}
	}

	async #fetch(db: Queryable, requests: readonly WindowRequest[], now?: Date): Promise<void> {
		const at = now?.getTime() ?? Date.now();
		const rows = await loadCandleWindows(db, {
			requests: requests.map((request) => {
				const { instrumentId, timeframe, candles } = request;
				return { instrument_id: instrumentId, timeframe, candles, ...this.#heldFor(request) };
			}),
			now,
		});
		const asked = new Map(requests.map((request) => [marketKey(request.instrumentId, request.timeframe), request]));
		const told = new Set<string>();
		const again: WindowRequest[] = [];
		for (const row of rows) {
			const key = marketKey(row.instrumentId, row.timeframe);
			const request = asked.get(key);
			if (request === undefined) continue;
			told.add(key);
			const { previousDirection: direction, previousVolatility: volatility } = row;
			const previous = direction !== null && volatility !== null ? { direction, volatility } : null;
			const entry = this.#entries.get(key);
			this.#entries.delete(key);
			if (row.isWhole) {
				const { candles, historyRevision } = row;
				const { revision } = request;
				const kept = new KeptWindow(row.timeframe, candles, row);
				const loaded = { revision, at };
				this.#entries.set(key, {
					...{ revision, loaded, historyRevision, candles, kept },
					market: toMarket(kept, previous),
				});
				continue;
			}
			const isAnother = entry?.kept.extend(row) ?? null;
			if (entry === undefined || isAnother === null) {
				again.push(request);
				continue;
			}
			this.use.extended += 1;
			if (isAnother) entry.market = toMarket(entry.kept, previous);
			entry.revision = request.revision;
			entry.historyRevision = row.historyRevision;
			entry.loaded = { revision: request.revision, at };
			this.#entries.set(key, entry);
		}
		for (const key of asked.keys()) if (!told.has(key)) this.#entries.delete(key);
		// What another load has dropped meanwhile, or what so many candles have come to that they do not join: whole, then.
		if (again.length > 0) await this.#fetch(db, again, now);
	}

	/** What the database need not send again; nothing where more is wanted than is held. */
	#heldFor({ instrumentId, timeframe, candles }: WindowRequest) {
		const entry = this.#entries.get(marketKey(instrumentId, timeframe));
		if (entry === undefined || entry.candles < candles) return null;
		const { held } = entry.kept;
		// Not all of them with the same candle.
		const isCompared = (held.last_at / timeframeMs[timeframe] + instrumentId) % comparedEvery === 0;
		return { ...held, history_revision: isCompared ? null : entry.historyRevision };
	}
}

/**
 * The feed stores something every minute, but a longer timeframe changes only when one of its candles has closed, as long as history
 * stands still: of 200 instruments' 15-minute windows this spares fourteen loads of fifteen. A clock behind the database's does no
 * harm, since `dueAt` is its own.
 */
function isCurrent(entry: Entry, request: WindowRequest, now: Date | undefined): boolean {
	if (entry.candles < request.candles) return false;
	if (entry.revision === request.revision) return true;
	const { timeframe, historyRevision } = request;
	// The newest minute may have been corrected, which history does not tell.
	if (timeframe === '1m' || historyRevision === null || historyRevision !== entry.historyRevision) return false;
	const at = Math.max(now?.getTime() ?? Date.now(), request.dueAt);
	if (entry.market.candleAt !== lastClosedOpen(at, timeframe)) return false;
	entry.revision = request.revision;
	return true;
}

/** Whether the load before, for which this one waited, has asked the database for the same. Candles close with the minute. */
function isJustLoaded({ candles, loaded }: Entry, request: WindowRequest, now: Date | undefined): boolean {
	const at = Math.max(now?.getTime() ?? Date.now(), request.dueAt);
	const isSameMinute = Math.floor(loaded.at / 60_000) >= Math.floor(at / 60_000);
	return candles >= request.candles && loaded.revision === request.revision && isSameMinute;
}

export function marketKey(instrumentId: number, timeframe: Timeframe): string {
	return `${instrumentId} ${timeframe}`;
}

function toMarket(kept: KeptWindow, previous: Regime | null): Market {
	const { window, moment } = kept;
	const bare = createMarketView(window, null, indicatorUse, moment);
	const regime = classifyRegime(bare, previous);
	const last = window.close.length - 1;
	return {
		// Views of one window share their indicators, so the regime's are not computed twice.
		view: createMarketView(window, regime, indicatorUse, moment),
		regime,
		regimeFigures: measureRegime(bare),
		candleAt: window.openAt[last] ?? Number.NaN,
		price: window.close[last] ?? Number.NaN,
	};
}
