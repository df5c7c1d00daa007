/** A bot that is checked more often than its candles close: between two candles its result is repeated, and nothing else changes. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAccount, createBot } from '../../src/database/functions/administration.ts';
import { findInstruments } from '../../src/database/functions/market.ts';
import { ensureStrategyVersion } from '../../src/market/strategy-versions.ts';
import { CandleWindows } from '../../src/market/windows.ts';
import { runManualChecks } from '../../src/workers/run-manual-checks.ts';
import { type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

let system: SimulatedSystem;
let bot: number;

beforeAll(async () => {
	system = await startSimulatedSystem({ simulator: { instrumentCount: 2 } });
	const { pool } = system.database;
	const base = { exchangeId: 'sim', settleAsset: 'USDT', capital: 10_000, now: system.now() };
	const accountId = await createAccount(pool, { ...base, name: 'paper', mode: 'PAPER' });
	const instruments = await findInstruments(pool, { exchangeId: 'sim' });
	const instrument = instruments.find(({ marketType }) => marketType === 'LINEAR');
	bot = await createBot(pool, {
		name: 'minutely on five minutes',
		strategyVersionId: await ensureStrategyVersion(pool, 'trend_following', {
			timeframe: '5m',
			entry_threshold: 0.02,
			exit_threshold: 0,
			max_holding_minutes: 17,
			favourable_regimes: ['TRENDING_UP', 'TRENDING_DOWN', 'RANGING'],
		}),
		accountId,
		instrumentId: instrument!.id,
		intervalMinutes: 1,
		sizing: 'FIXED_NOTIONAL',
		sizingValue: 500,
		isDueAtOnce: true,
		now: system.now(),
	});
});
afterAll(() => system.close());

interface CheckRow {
	readonly due_at: Date;
	readonly candle_at: Date | null;
	readonly score: number | null;
	readonly factors: unknown;
	readonly decision: string;
	readonly outcome: string;
	readonly is_repeated: boolean;
	/** What the bot held when it was checked. */
	readonly held: string | null;
}

async function checks(kind = 'SCHEDULED'): Promise<CheckRow[]> {
	const { rows } = await system.database.pool.query<CheckRow>(
		`select c.due_at, c.candle_at, c.score, c.factors, c.decision, c.outcome, c.is_repeated,
		        (select p.id::text || ' ' || p.direction from botbox.positions p
		          where p.bot_id = c.bot_id and p.opened_at <= c.started_at and (p.closed_at is null or p.closed_at > c.started_at)) as held
		   from botbox.checks c where c.bot_id = $1 and c.kind = $2 order by c.due_at`,
		[bot, kind],
	);
	return rows;
}

test('results repeat between two candles as long as nothing else happens, and time exits still come in time', async () => {
	for (let minute = 0; minute < 60; minute++) await system.minute({ housekeepingEvery: 5 });
	const rows = await checks();
	expect(rows.length).toBeGreaterThanOrEqual(59);
	let repeated = 0;
	for (const [index, row] of rows.entries()) {
		const before = rows[index - 1];
		if (!row.is_repeated) continue;
		repeated += 1;
		expect(before).toMatchObject({ candle_at: row.candle_at, score: row.score, factors: row.factors });
		expect(before?.held).toBe(row.held);
		expect(before?.decision).toBe(row.decision);
	}
	expect(repeated).toBeGreaterThan(30);
	// Repeating an entry is repeating its signal, not another one.
	expect(rows.filter((row) => row.is_repeated && row.outcome === 'QUEUED')).toEqual([]);
	const { use } = system.context.checkCache;
	expect(use.evaluated + use.repeated).toBe(rows.length + (await checks('MANUAL')).length);
	expect(use.repeated).toBe(repeated);
	const positions = await system.database.pool.query(
		`select max(extract(epoch from coalesce(closed_at, $2) - opened_at)) as seconds, count(*)::integer as count
		   from botbox.positions where bot_id = $1`,
		[bot, system.now()],
	);
	expect(positions.rows[0].count).toBeGreaterThan(0);
	expect(Number(positions.rows[0].seconds)).toBeLessThan(18.5 * 60);
}, 120_000);

test('a person who asks is answered by an evaluation, and a worker that restarted evaluates', async () => {
	const { context } = system;
	while ((await checks()).at(-1)?.is_repeated !== true) await system.minute();
	await context.jobs.requestCheck({ botId: bot, requestedAt: system.now().toISOString(), isDryRun: true });
	await runManualChecks(context, system.now());
	expect(await checks('MANUAL')).toMatchObject([{ is_repeated: false }]);

	// In the middle of a candle, where the bot would be answered from memory.
	while (Math.floor(system.now().getTime() / 60_000) % 5 !== 2) await system.minute();
	Object.assign(context, { windows: new CandleWindows() });
	await system.minute();
	expect((await checks()).at(-1)).toMatchObject({ is_repeated: false });
}, 60_000);
