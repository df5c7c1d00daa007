/** A small system at work: positions open and closed, a signal refused, candles, a check with its factors, an alert, a pause. */
import { recordTick } from '../../src/database/functions/checks.ts';
import { pauseEntries, raiseAlert, recordHeartbeat } from '../../src/database/functions/guards.ts';
import { recordCandles } from '../../src/database/functions/market.ts';
import type { Pool } from '../../src/database/pool.ts';
import { makeManualCheck } from '../support/factories/checks.ts';
import { check } from '../support/factories/evaluated-checks.ts';
import { acknowledge, applyFill, decide, openPosition, queueTrade, submitTrade } from '../support/factories/trading.ts';
import {
	type Bot,
	makeAccount,
	makeBot,
	makeFeedFresh,
	makeWorld,
	quote,
	type World,
} from '../support/factories/world.ts';

export interface Seed {
	readonly world: World;
	/** Holds a position of 10 at 100, now at 105. */
	readonly holder: Bot;
	/** Bought 10 at 100 and sold them at 110. */
	readonly winner: Bot;
	/** Was refused: its strategy favours trends only. */
	readonly refused: Bot;
	/** On the LIVE account. */
	readonly live: Bot;
}

export async function seedPage(pool: Pool): Promise<Seed> {
	const now = new Date();
	const earlier = new Date(now.getTime() - 20 * 60_000);
	const world = await makeWorld(pool, { version: { favourableRegimes: ['TRENDING_UP', 'TRENDING_DOWN'] } });
	const liveAccount = await makeAccount(pool, { name: 'exchange account', mode: 'LIVE' });
	const [holder, winner, refused] = [
		await makeBot(pool, world),
		await makeBot(pool, world),
		await makeBot(pool, world, { isDueAtOnce: true, now: earlier }),
	];
	const live = await makeBot(pool, world, { accountId: liveAccount });
	await makeFeedFresh(pool, world.instrument.id, now);
	await seedCandles(pool, world.instrument.id, now);

	await openPosition(pool, holder, { now: earlier, stopLossFraction: 0.02, takeProfitFraction: 0.06, fee: 1 });
	await openPosition(pool, winner, { now: earlier });
	const closing = await submitTrade(pool, await queueTrade(pool, winner, { direction: 'CLOSE', now, price: 110 }), {
		now,
	});
	await acknowledge(pool, closing, now);
	await applyFill(pool, closing, { price: 110, at: now });
	await decide(pool, refused, { now, regime: 'RANGING' });
	await quote(pool, world.instrument, { bid: 104.9, ask: 105.1, last: 105 }, now);

	await makeManualCheck(pool, holder.id, { at: now });
	// Recorded 2.4 s after it was due, which was no earlier than its bot.
	const due = await pool.query<{ at: Date }>('select next_check_at as at from botbox.bots where id = $1', [refused.id]);
	await check(pool, refused, due.rows[0]!.at, { now: new Date(earlier.getTime() + 2_400) });
	await recordTick(pool, { workerId: heartbeat.workerId, dueBots: 1, durationMs: 1, now });
	await raiseAlert(pool, {
		code: 'DATA_LAG',
		severity: 'WARNING',
		subject: 'feed 7',
		message: 'The candles of T7/USDT are 6 minutes old',
		now,
	});
	await pauseEntries(pool, { scope: 'BOT', botId: live.id, reason: 'watching the news', actor: 'ops', now });
	await recordHeartbeat(pool, { ...heartbeat, startedAt: earlier, now });
	await seedEquity(pool, liveAccount, now);
	return { world, holder, winner, refused, live };
}

const heartbeat = {
	workerId: '00000000-0000-4000-8000-000000000001',
	host: 'desk',
	processId: 4711,
	roles: ['tick', 'check'],
	version: '0.0.0-test',
	figures: {},
};

/** Closed 5-minute candles that wander between 95 and 105. */
async function seedCandles(pool: Pool, instrumentId: number, now: Date): Promise<void> {
	const length = 300_000;
	const last = Math.floor(now.getTime() / length) * length - length;
	const candles = Array.from({ length: 150 }, (_, i) => {
		const open = 100 + 5 * Math.sin(i / 9);
		const close = 100 + 5 * Math.sin((i + 1) / 9);
		return [
			last - (149 - i) * length,
			open,
			Math.max(open, close) + 0.3,
			Math.min(open, close) - 0.3,
			close,
			10 + (i % 7),
		];
	});
	await recordCandles(pool, {
		batch: [
			{
				instrument_id: instrumentId,
				timeframe: '5m',
				candles,
				fetched_at: now.toISOString(),
				refused_rows: 0,
				backfilled: 150,
			},
		],
		now,
	});
}

/** Six hours in steps of five minutes, from 10,000 to 10,149. */
async function seedEquity(pool: Pool, accountId: number, now: Date): Promise<void> {
	await pool.query(
		`insert into botbox.account_equity (account_id, at, equity, peak)
		 select $1, $2::timestamptz - make_interval(mins => 5 * i), x.equity, greatest(x.equity, 10149)
		   from generate_series(0, 72) i
		  cross join lateral (
		    select case i when 0 then 10149 when 72 then 10000 else round((10149 - 2 * i + 30 * sin(i / 6.0))::numeric, 2) end
		  ) x (equity)`,
		[accountId, now],
	);
}
