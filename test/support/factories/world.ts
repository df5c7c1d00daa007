/**
 * Rows to start from, made through botbox's own functions so that they are consistent: an instrument and an account on
 * the simulated exchange, a strategy version, bots. Names are numbered, so that every call makes something new.
 */
import {
	createAccount,
	createBot,
	recordStrategies,
	recordStrategyVersion,
} from '../../../src/database/functions/administration.ts';
import type { Queryable } from '../../../src/database/functions/define.ts';
import { recordInstruments, recordTickers } from '../../../src/database/functions/market.ts';
import type { AccountMode, IntervalMinutes, MarketType, RegimeDirection, Timeframe } from '../../../src/domain.ts';

/** A moment on every grid: the start of an hour. */
export const start = new Date('2026-03-02T12:00:00Z');

/** `start` plus so many seconds. */
export function after(seconds: number): Date {
	return new Date(start.getTime() + seconds * 1_000);
}

let made = 0;

export interface Instrument {
	readonly id: number;
	readonly symbol: string;
}

export async function makeInstrument(
	db: Queryable,
	options: {
		marketType?: MarketType;
		exchangeId?: string;
		tickSize?: string;
		lotSize?: string;
		minimumQuantity?: string;
		maximumQuantity?: string;
		minimumNotional?: string;
		maximumNotional?: string;
		contractSize?: string;
		takerFeeRate?: string;
	} = {},
): Promise<Instrument> {
	const { marketType = 'LINEAR', exchangeId = 'sim' } = options;
	made += 1;
	const base = `T${made}`;
	const symbol = marketType === 'SPOT' ? `${base}/USDT` : `${base}/USDT:USDT`;
	await recordInstruments(db, {
		exchangeId,
		instruments: [
			{
				symbol,
				exchange_symbol: `${base}USDT`,
				market_type: marketType,
				base_asset: base,
				quote_asset: 'USDT',
				settle_asset: 'USDT',
				tick_size: options.tickSize ?? '0.01',
				lot_size: options.lotSize ?? '0.001',
				minimum_quantity: options.minimumQuantity ?? '0.001',
				maximum_quantity: options.maximumQuantity ?? null,
				minimum_notional: options.minimumNotional ?? '5',
				maximum_notional: options.maximumNotional ?? null,
				contract_size: options.contractSize ?? '1',
				taker_fee_rate: options.takerFeeRate ?? '0.001',
				is_trading: true,
			},
		],
		// One time for all, or each new one would mark those before it as no longer listed.
		now: start,
	});
	const found = await db.query<{ id: number }>(
		'select id from botbox.instruments where exchange_id = $1 and symbol = $2',
		[exchangeId, symbol],
	);
	return { id: found.rows[0]!.id, symbol };
}

export async function makeAccount(
	db: Queryable,
	options: {
		name?: string;
		mode?: AccountMode;
		exchangeId?: string;
		capital?: number;
		maxPositions?: number;
		maxCorrelatedPositions?: number;
		balances?: Record<string, number>;
	} = {},
): Promise<number> {
	const mode = options.mode ?? 'PAPER';
	made += 1;
	return await createAccount(db, {
		name: options.name ?? `account ${made}`,
		exchangeId: options.exchangeId ?? 'sim',
		mode,
		settleAsset: 'USDT',
		capital: options.capital ?? 10_000,
		credentials: mode === 'LIVE' ? Buffer.from('sealed') : null,
		balances: options.balances ?? { USDT: options.capital ?? 10_000 },
		limits: {
			max_positions: options.maxPositions ?? 100,
			max_correlated_positions: options.maxCorrelatedPositions ?? 100,
		},
		now: start,
	});
}

export async function makeStrategyVersion(
	db: Queryable,
	options: { maxLots?: number; favourableRegimes?: RegimeDirection[]; timeframe?: Timeframe; history?: number } = {},
): Promise<number> {
	made += 1;
	await recordStrategies(db, {
		strategies: [{ id: 'S-TEST', name: 'test', title: 'Test', default_interval_minutes: 5 }],
	});
	return await recordStrategyVersion(db, {
		strategyId: 'S-TEST',
		parameters: { made },
		timeframe: options.timeframe ?? '5m',
		history: options.history ?? 10,
		favourableRegimes: options.favourableRegimes ?? ['TRENDING_UP', 'TRENDING_DOWN', 'RANGING'],
		maxLots: options.maxLots ?? 1,
		now: start,
	});
}

export interface World {
	readonly instrument: Instrument;
	readonly accountId: number;
	readonly versionId: number;
}

export async function makeWorld(
	db: Queryable,
	options: {
		instrument?: Parameters<typeof makeInstrument>[1];
		account?: Parameters<typeof makeAccount>[1];
		version?: Parameters<typeof makeStrategyVersion>[1];
	} = {},
): Promise<World> {
	return {
		instrument: await makeInstrument(db, options.instrument),
		accountId: await makeAccount(db, options.account),
		versionId: await makeStrategyVersion(db, options.version),
	};
}

export interface Bot {
	readonly id: number;
	readonly instrumentId: number;
	readonly accountId: number;
	readonly versionId: number;
}

/** A bot that stakes 1,000 of its account's currency; due at the next point of its grid unless told otherwise. */
export async function makeBot(
	db: Queryable,
	world: World,
	options: {
		instrument?: Instrument;
		accountId?: number;
		intervalMinutes?: IntervalMinutes;
		notional?: number;
		/** Instead of the notional. */
		sizing?: { readonly kind: 'CAPITAL_FRACTION' | 'VOLATILITY_TARGET'; readonly value: number };
		leverage?: number;
		isDueAtOnce?: boolean;
		isAdaptive?: boolean;
		execution?: 'AUTO' | 'CONFIRM';
		now?: Date;
	} = {},
): Promise<Bot> {
	made += 1;
	const instrumentId = (options.instrument ?? world.instrument).id;
	const accountId = options.accountId ?? world.accountId;
	const id = await createBot(db, {
		name: `bot ${made}`,
		strategyVersionId: world.versionId,
		accountId,
		instrumentId,
		intervalMinutes: options.intervalMinutes ?? 5,
		sizing: options.sizing?.kind ?? 'FIXED_NOTIONAL',
		sizingValue: options.sizing?.value ?? options.notional ?? 1_000,
		leverage: options.leverage ?? 1,
		isDueAtOnce: options.isDueAtOnce ?? false,
		isAdaptive: options.isAdaptive ?? false,
		execution: options.execution ?? 'AUTO',
		now: options.now ?? start,
	});
	return { id, instrumentId, accountId, versionId: world.versionId };
}

/** Marks the feed as freshly fetched at `at`, so that checks due until then are ready. */
export async function makeFeedFresh(db: Queryable, instrumentId: number, at: Date): Promise<void> {
	await db.query(
		`insert into botbox.feeds (instrument_id, fetched_at) values ($1, $2)
		on conflict (instrument_id) do update set fetched_at = excluded.fetched_at`,
		[instrumentId, at],
	);
}

export async function quote(
	db: Queryable,
	instrument: Instrument,
	prices: { bid?: number; ask?: number; last: number },
	at: Date,
): Promise<void> {
	await recordTickers(db, {
		exchangeId: 'sim',
		tickers: [{ symbol: instrument.symbol, ...prices, quoted_at: at.toISOString() }],
		now: at,
	});
}
