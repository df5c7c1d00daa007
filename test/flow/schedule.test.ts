/** A simulated day of ticks: nobody triggers a check, none is missed, none is doubled, and the grid does not drift. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAccount, createBot } from '../../src/database/functions/administration.ts';
import { findInstruments } from '../../src/database/functions/market.ts';
import { fetchFeeds } from '../../src/market/feed.ts';
import { ensureStrategyVersion } from '../../src/market/strategy-versions.ts';
import { runChecks } from '../../src/workers/run-checks.ts';
import { runTick } from '../../src/workers/tick.ts';
import { type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

let system: SimulatedSystem;
beforeEach(async () => {
	system = await startSimulatedSystem({
		simulator: { instrumentCount: 1 },
		startAt: Date.UTC(2025, 5, 12, 23, 59, 30),
	});
});
afterEach(() => system.close());

async function bots(intervals: readonly (1 | 5 | 15 | 60)[]): Promise<number[]> {
	const { pool } = system.database;
	const accountId = await createAccount(pool, {
		name: 'paper',
		exchangeId: 'sim',
		mode: 'PAPER',
		settleAsset: 'USDT',
		capital: 10_000,
		now: system.now(),
	});
	const [instrument] = (await findInstruments(pool, { exchangeId: 'sim' })).filter(
		({ marketType }) => marketType === 'LINEAR',
	);
	const strategyVersionId = await ensureStrategyVersion(pool, 'mean_reversion', { timeframe: '5m' });
	const ids: number[] = [];
	for (const intervalMinutes of intervals) {
		ids.push(
			await createBot(pool, {
				name: `every ${intervalMinutes}`,
				strategyVersionId,
				accountId,
				instrumentId: instrument!.id,
				intervalMinutes,
				sizing: 'FIXED_NOTIONAL',
				sizingValue: 100,
				now: system.now(),
			}),
		);
	}
	return ids;
}

/** One minute of the scheduler and the checkers alone; trading is not the matter here. */
async function minute(offsetMs: number): Promise<void> {
	const { context } = system;
	const nextMs = Math.floor(system.now().getTime() / 60_000) * 60_000 + 60_000 + offsetMs;
	system.skip(nextMs - system.now().getTime());
	await fetchFeeds(
		{ pool: context.pool, workerId: context.workerId, marketData: (id) => context.venues.marketData(id) },
		{ now: system.now() },
	);
	await runTick(context, system.now());
	while ((await runChecks(context, system.now())).again);
}

const dueTimes = async (botId: number): Promise<number[]> => {
	const result = await system.database.pool.query(
		`select due_at from botbox.checks where bot_id = $1 order by due_at`,
		[botId],
	);
	return result.rows.map((row) => (row.due_at as Date).getTime());
};

test('in a day a 5-minute bot is checked exactly 288 times, on its grid, whenever in the minute the tick comes', async () => {
	const [one, five, fifteen, sixty] = await bots([1, 5, 15, 60]);
	// From midnight to the last minute of the day; ticks come up to 4 s late, now earlier, now later.
	for (let i = 0; i < 1_440; i++) await minute((i * 977) % 4_000);
	for (const [bot, interval, times] of [
		[one, 1, 1_440],
		[five, 5, 288],
		[fifteen, 15, 96],
		[sixty, 60, 24],
	] as const) {
		const due = await dueTimes(bot!);
		expect(due).toHaveLength(times);
		expect(new Set(due).size).toBe(times);
		expect(due.every((at) => at % (interval * 60_000) === 0)).toBe(true);
	}
}, 300_000);

test('after an hour without workers every bot is checked once at once, then on its grid', async () => {
	const ids = await bots([1, 5, 15]);
	for (let i = 0; i < 16; i++) await minute(1_000);
	const before = new Map(await Promise.all(ids.map(async (id) => [id, (await dueTimes(id)).length] as const)));
	system.skip(3_600_000);
	await minute(1_000);
	for (const id of ids) expect((await dueTimes(id)).length).toBe(before.get(id)! + 1);
	const resumedAt = system.now().getTime();
	for (let i = 0; i < 30; i++) await minute(1_000);
	for (const [i, interval] of [1, 5, 15].entries()) {
		const later = (await dueTimes(ids[i]!)).filter((at) => at > resumedAt);
		expect(later).toHaveLength(30 / interval);
		expect(later.every((at) => at % (interval * 60_000) === 0)).toBe(true);
	}
}, 120_000);
