/** A small trading hour that ends now: something in every view, made through botbox's own functions. */
import { pauseEntries, raiseAlert, recordHeartbeat } from '../../../src/database/functions/guards.ts';
import { recordCandles } from '../../../src/database/functions/market.ts';
import type { Pool } from '../../../src/database/pool.ts';
import { makeManualCheck } from './checks.ts';
import { applyFill, decide, openOrder, openPosition } from './trading.ts';
import { type Bot, makeAccount, makeBot, makeInstrument, makeWorld, quote } from './world.ts';

export interface TradingHour {
	readonly now: Date;
	readonly instrumentId: number;
	/** Holds a position. */
	readonly holder: Bot;
	/** Closed a position at a profit. */
	readonly winner: Bot;
	/** Trades on the LIVE account. */
	readonly live: Bot;
}

export async function makeTradingHour(pool: Pool): Promise<TradingHour> {
	const now = new Date();
	const before = (minutes: number): Date => new Date(now.getTime() - minutes * 60_000);
	const world = await makeWorld(pool);
	const { instrument } = world;
	const other = await makeInstrument(pool);
	const liveAccount = await makeAccount(pool, { mode: 'LIVE', name: `live ${instrument.symbol}` });
	const holder = await makeBot(pool, world, { now: before(60) });
	const winner = await makeBot(pool, world, { instrument: other, now: before(60) });
	const live = await makeBot(pool, world, { accountId: liveAccount, now: before(60) });
	await makeCandles(pool, instrument.id, before(120), 120);
	await quote(pool, instrument, { bid: 104.9, ask: 105.1, last: 105 }, now);

	await openPosition(pool, holder, { now: before(50), fee: 1 });
	await openPosition(pool, winner, { now: before(40), fee: 1 });
	const close = await openOrder(pool, winner, { direction: 'CLOSE', price: 110, now: before(20) });
	await applyFill(pool, close, { price: 110, fee: 1, at: before(19) });
	await openPosition(pool, live, { now: before(10), fee: 0.5 });
	// Refused: the bot holds the instrument already.
	await decide(pool, holder, { now: before(5), price: 103 });
	await makeManualCheck(pool, holder.id, { at: before(4) });
	await makeManualCheck(pool, winner.id, { at: before(3), error: 'a factor threw' });

	await pauseEntries(pool, { scope: 'BOT', botId: winner.id, reason: 'a look at its factors', now: before(2) });
	await raiseAlert(pool, {
		code: 'DATA_LAG',
		severity: 'WARNING',
		subject: 'sim T1',
		message: 'Market data of T1 is older than five minutes',
		now: before(2),
	});
	await recordHeartbeat(pool, {
		workerId: 'worker-1',
		host: 'test',
		processId: 1,
		roles: ['tick', 'check', 'execute'],
		version: '0.0.0-test',
		startedAt: before(60),
		figures: { checks: 12 },
		now,
	});
	return { now, instrumentId: instrument.id, holder, winner, live };
}

/** Minutes of a quiet wave around 100. */
async function makeCandles(pool: Pool, instrumentId: number, from: Date, count: number): Promise<void> {
	const first = Math.ceil(from.getTime() / 60_000) * 60_000;
	const price = (i: number): number => 100 + 5 * Math.sin(i / 15);
	const candles = Array.from({ length: count }, (_, i) => {
		const [open, close] = [price(i), price(i + 1)];
		return [first + i * 60_000, open, Math.max(open, close) + 0.2, Math.min(open, close) - 0.2, close, 10 + (i % 7)];
	});
	await recordCandles(pool, {
		batch: [{ instrument_id: instrumentId, timeframe: '1m', candles, fetched_at: new Date().toISOString() }],
	});
}
