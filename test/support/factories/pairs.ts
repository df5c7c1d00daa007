/** Two-leg bots: spot and perpetual of one base, decided through record_checks as a worker would. */
import { createBot, recordStrategies, recordStrategyVersion } from '../../../src/database/functions/administration.ts';
import { claimChecks, recordChecks } from '../../../src/database/functions/checks.ts';
import type { Queryable } from '../../../src/database/functions/define.ts';
import { recordInstruments } from '../../../src/database/functions/market.ts';
import { checkOf } from './evaluated-checks.ts';
import { acknowledge, applyFill, type FillOptions, type SentOrder, submitTrade, workerId } from './trading.ts';
import { type Bot, type Instrument, makeAccount, start } from './world.ts';

interface LegOptions {
	readonly lotSize?: string;
	readonly minimumQuantity?: string;
	readonly minimumNotional?: string;
	readonly contractSize?: string;
}

export interface Pair extends Bot {
	readonly spot: Instrument;
	readonly perpetual: Instrument;
}

let made = 0;

/** A bot that stakes 1,000 per leg; its first leg is the spot market unless `isMirrored`. */
export async function makePair(
	db: Queryable,
	options: {
		spot?: LegOptions;
		perpetual?: LegOptions;
		accountId?: number;
		account?: Parameters<typeof makeAccount>[1];
		notional?: number;
		legs?: readonly [Instrument, Instrument];
	} = {},
): Promise<Pair> {
	made += 1;
	const [spot, perpetual] = options.legs ?? (await makeLegs(db, `P${made}`, options));
	await recordStrategies(db, {
		strategies: [{ id: 'S-PAIR', name: 'pair', title: 'Pair', default_interval_minutes: 5 }],
	});
	const versionId = await recordStrategyVersion(db, {
		strategyId: 'S-PAIR',
		parameters: { made },
		timeframe: '5m',
		history: 10,
		favourableRegimes: ['TRENDING_UP', 'TRENDING_DOWN', 'RANGING'],
		legs: 2,
		now: start,
	});
	const accountId = options.accountId ?? (await makeAccount(db, options.account));
	const id = await createBot(db, {
		name: `pair ${made}`,
		strategyVersionId: versionId,
		accountId,
		instrumentId: spot.id,
		furtherInstrumentIds: [perpetual.id],
		intervalMinutes: 5,
		sizing: 'FIXED_NOTIONAL',
		sizingValue: options.notional ?? 1_000,
		now: start,
	});
	return { id, instrumentId: spot.id, accountId, versionId, spot, perpetual };
}

/** The spot market and the perpetual of `base`. */
export async function makeLegs(
	db: Queryable,
	base: string,
	options: { spot?: LegOptions; perpetual?: LegOptions } = {},
): Promise<[Instrument, Instrument]> {
	const leg = (marketType: 'SPOT' | 'LINEAR', given: LegOptions = {}) => ({
		symbol: marketType === 'SPOT' ? `${base}/USDT` : `${base}/USDT:USDT`,
		exchange_symbol: `${base}USDT`,
		market_type: marketType,
		base_asset: base,
		quote_asset: 'USDT',
		settle_asset: 'USDT',
		tick_size: '0.01',
		lot_size: given.lotSize ?? '0.001',
		minimum_quantity: given.minimumQuantity ?? '0.001',
		minimum_notional: given.minimumNotional ?? '5',
		contract_size: given.contractSize ?? '1',
		taker_fee_rate: '0.001',
		is_trading: true,
	});
	await recordInstruments(db, {
		exchangeId: 'sim',
		instruments: [leg('SPOT', options.spot), leg('LINEAR', options.perpetual)],
		now: start,
	});
	const { rows } = await db.query<Instrument>(
		`select id, symbol from botbox.instruments where exchange_id = 'sim' and base_asset = $1 order by market_type = 'LINEAR'`,
		[base],
	);
	return [rows[0]!, rows[1]!];
}

export interface PairCheckOptions {
	readonly decision: 'LONG' | 'SHORT' | 'CLOSE';
	/** Of the first and of the second leg. */
	readonly prices?: readonly [number, number];
	readonly candles?: readonly [Date, Date];
	readonly lots?: number;
}

/** The check of a pair, as a worker hands it in. */
export function pairCheck(pair: Pair, dueAt: Date, options: PairCheckOptions) {
	const { prices = [100, 101], candles = [dueAt, dueAt] } = options;
	return {
		...checkOf(pair, dueAt, { decision: options.decision, price: prices[0], candleAt: candles[0] }),
		lots: options.lots ?? null,
		legs: [{ instrument_id: pair.perpetual.id, candle_at: candles[1].toISOString(), price: prices[1] }],
	};
}

/** Claims the check and records it. */
export async function checkPair(db: Queryable, pair: Pair, dueAt: Date, options: PairCheckOptions) {
	const jobs = [{ bot_id: pair.id, due_at: dueAt.toISOString() }];
	const [claim] = await claimChecks(db, { jobs, workerId, waitMs: 0, now: dueAt });
	if (claim?.verdict !== 'CLAIMED') throw new Error(`not claimed: ${claim?.verdict}`);
	const checks = [pairCheck(pair, dueAt, options)];
	const [recorded] = await recordChecks(db, { checks, workerId, now: dueAt });
	if (recorded === undefined) throw new Error('not recorded');
	return recorded;
}

export interface LegTrade {
	readonly id: string;
	readonly instrumentId: number;
	readonly direction: string;
	readonly side: string;
	readonly quantity: string;
	readonly status: string;
	readonly reason: string | null;
	readonly trigger: string;
	readonly groupId: string | null;
}

/** The bot's trades, oldest first; of one moment the spot leg's first. */
export async function tradesOf(db: Queryable, pair: Pair): Promise<LegTrade[]> {
	const { rows } = await db.query<LegTrade>(
		`select id, instrument_id as "instrumentId", direction, side, quantity, status, reason_code as reason,
		        trigger_reason as trigger, group_id as "groupId"
		   from botbox.trade_queue where bot_id = $1 order by queued_at, instrument_id`,
		[pair.id],
	);
	return rows;
}

/** Sends a trade and books its fill; without a quantity it is filled whole. */
export async function fillTrade(
	db: Queryable,
	tradeId: string,
	options: FillOptions & { now?: Date } = {},
): Promise<SentOrder> {
	const now = options.now ?? start;
	const order = await submitOne(db, tradeId, now);
	await acknowledge(db, order, now);
	await applyFill(db, order, { ...options, at: now, now });
	return order;
}

/** Claims this trade alone: what else could be claimed waits until afterwards. */
export async function submitOne(db: Queryable, tradeId: string, now: Date): Promise<SentOrder> {
	const held = `update botbox.trade_queue set next_attempt_at = $2 where status = 'PENDING' and id <> $1`;
	await db.query(held, [tradeId, new Date(now.getTime() + 1)]);
	const order = await submitTrade(db, tradeId, { now });
	await db.query(held, [tradeId, now]);
	return order;
}

/** Enters both legs at `at`, each filled whole, the perpetual at `prices[1]`; the spot fee may be kept in the base asset. */
export async function openPair(
	db: Queryable,
	pair: Pair,
	at: Date,
	options: { prices?: readonly [number, number]; spotFee?: string; base?: string } = {},
): Promise<LegTrade[]> {
	const { prices = [100, 101] } = options;
	await checkPair(db, pair, at, { decision: 'LONG', prices });
	const trades = (await tradesOf(db, pair)).filter(({ status }) => status === 'PENDING');
	for (const trade of trades) {
		const isSpot = trade.instrumentId === pair.spot.id;
		await fillTrade(db, trade.id, {
			price: isSpot ? prices[0] : prices[1],
			now: at,
			...(isSpot && options.spotFee !== undefined
				? { fee: options.spotFee, feeAsset: pair.spot.symbol.split('/')[0] }
				: {}),
		});
	}
	return trades;
}
