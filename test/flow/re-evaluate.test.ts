/** Every signal of some simulated hours, evaluated again from the stored candles, has the score that was recorded. */
import type { PoolClient } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAccount, createBot } from '../../src/database/functions/administration.ts';
import { findInstruments, recordCandles } from '../../src/database/functions/market.ts';
import { reEvaluateSignal } from '../../src/market/re-evaluate.ts';
import { ensureStrategyVersion } from '../../src/market/strategy-versions.ts';
import { runCommand } from '../cli/command.ts';
import { type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

let system: SimulatedSystem;
interface SignalRow {
	readonly id: number;
	readonly bot_id: number;
	readonly instrument_id: number;
	readonly candle_at: Date;
	readonly direction: string;
	readonly repeat_count: number;
	readonly strategy: string;
}
let signals: SignalRow[];

const anyRegime = { favourable_regimes: ['TRENDING_UP', 'TRENDING_DOWN', 'RANGING'] };
const eager = { ...anyRegime, entry_threshold: 0.05, exit_threshold: 0 };

beforeAll(async () => {
	system = await startSimulatedSystem({ simulator: { instrumentCount: 4 } });
	const { pool } = system.database;
	const accountId = await createAccount(pool, {
		name: 'paper',
		mode: 'PAPER',
		exchangeId: 'sim',
		settleAsset: 'USDT',
		capital: 100_000,
		now: system.now(),
	});
	const perpetuals = (await findInstruments(pool, { exchangeId: 'sim' })).filter(
		({ marketType }) => marketType === 'LINEAR',
	);
	const make = async (strategy: string, parameters: object, instrument: number) =>
		await createBot(pool, {
			name: `${strategy} ${instrument}`,
			strategyVersionId: await ensureStrategyVersion(pool, strategy, parameters),
			accountId,
			instrumentId: perpetuals[instrument % perpetuals.length]!.id,
			intervalMinutes: 1,
			sizing: 'FIXED_NOTIONAL',
			sizingValue: 500,
			isDueAtOnce: true,
			now: system.now(),
		});
	await make('trend_following', { ...eager, timeframe: '1m' }, 0);
	await make('trend_following', { ...eager, timeframe: '5m' }, 1);
	await make('mean_reversion', { ...eager, timeframe: '1m' }, 1);
	await make('mean_reversion', { ...eager, timeframe: '15m' }, 0);
	for (let minute = 0; minute < 90; minute++) await system.minute({ housekeepingEvery: 10 });
	const { rows } = await pool.query<SignalRow>(
		`select s.id, s.bot_id, s.instrument_id, s.candle_at, s.direction, s.repeat_count, t.name as strategy
		   from botbox.signals s
		   join botbox.strategy_versions v on v.id = s.strategy_version_id
		   join botbox.strategies t on t.id = v.strategy_id
		  where s.factors is not null order by s.id`,
	);
	signals = rows;
}, 180_000);
afterAll(() => system.close());

/** What `work` changes is undone, so that tests come in any order. */
async function undone(work: (db: PoolClient) => Promise<void>): Promise<void> {
	const client = await system.database.pool.connect();
	try {
		await client.query('begin');
		await work(client);
	} finally {
		await client.query('rollback');
		client.release();
	}
}

test('equal to 1e-9, entries and exits, of both strategies, also those decided again', async () => {
	expect(new Set(signals.map(({ strategy }) => strategy))).toEqual(new Set(['trend_following', 'mean_reversion']));
	expect(signals.filter(({ direction }) => direction === 'CLOSE').length).toBeGreaterThan(0);
	expect(signals.length).toBeGreaterThan(20);
	for (const { id } of signals) {
		const result = await reEvaluateSignal(system.database.pool, id);
		expect(result, `signal ${id}`).toMatchObject({ isEqual: true, missing: [], lateCandles: [], differingFactors: [] });
		expect(Math.abs(result.difference ?? Number.NaN)).toBeLessThanOrEqual(1e-9);
		expect(result.factors.length).toBeGreaterThan(1);
	}
}, 120_000);

test('botbox signals explain shows what was recorded, the regime with its figures, and that the score is the same', async () => {
	const env = { DATABASE_URL: system.database.url };
	const signal = signals.find(({ strategy }) => strategy === 'mean_reversion')!;
	const said = await runCommand(['signals', 'explain', String(signal.id)], env);
	expect(said).toMatchObject({ code: 0, stderr: '' });
	expect(said.stdout).toMatch(
		/regime +(TRENDING_UP|TRENDING_DOWN|RANGING), volatility \w+ \(ADX [\d.]+, slope -?[\d.]+ ATR/,
	);
	expect(said.stdout).toMatch(/name +value +score +weight +contribution\n/);
	expect(said.stdout).toMatch(/recorded score +-?0\.\d+\nscore now +-?0\.\d+\nequal +yes, to 1e-9\n/);
	const { stdout } = await runCommand(['signals', 'explain', String(signal.id), '--json'], env);
	expect(JSON.parse(stdout)).toMatchObject({
		signal_id: signal.id,
		regime: { adx: expect.any(Number), atr_percentile: expect.any(Number) },
		reEvaluation: { isEqual: true, missing: [] },
	});
	const shown = await runCommand(['bots', 'show', String(signal.bot_id)], env);
	expect(shown.stdout).toMatch(/regime +\w+, volatility \w+ \(ADX/);
});

test('every candle that a check saw has its regime stored, with the figures that say the same', async () => {
	const { rows } = await system.database.pool.query(
		`select count(*)::integer as checks, count(distinct (b.instrument_id, v.timeframe, c.candle_at))::integer as candles,
		        count(*) filter (where r.direction = c.regime_direction and r.volatility = c.regime_volatility)::integer as same,
		        count(distinct (r.instrument_id, r.timeframe, r.candle_at))::integer as stored,
		        bool_and(r.adx between 0 and 100 and r.atr > 0 and r.atr_percentile between 0 and 100) as have_figures,
		        bool_and(case r.direction when 'TRENDING_UP' then r.slope > 0 and r.adx >= 20 when 'TRENDING_DOWN' then r.slope < 0 and r.adx >= 20
		                 else r.adx < 25 or abs(r.slope) < 0.05 end) as directions_follow,
		        bool_and(case r.volatility when 'HIGH' then r.atr_percentile >= 70 when 'LOW' then r.atr_percentile <= 30
		                 else r.atr_percentile between 20 and 80 end) as volatilities_follow
		   from botbox.checks c
		   join botbox.bots b on b.id = c.bot_id
		   join botbox.strategy_versions v on v.id = c.strategy_version_id
		   left join reporting.regimes r on (r.instrument_id, r.timeframe, r.candle_at) = (b.instrument_id, v.timeframe, c.candle_at)
		  where c.regime_direction is not null`,
	);
	const [found] = rows;
	expect(found.checks).toBeGreaterThan(300);
	expect(found).toMatchObject({
		same: found.checks,
		stored: found.candles,
		have_figures: true,
		directions_follow: true,
		volatilities_follow: true,
	});
});

test('a candle that was corrected since shows as a difference, and is named', async () => {
	await undone(async (pool) => {
		const signal = signals.find(({ strategy, candle_at }) => {
			return strategy === 'trend_following' && candle_at.getTime() % 300_000 !== 0;
		})!;
		const { rows } = await pool.query(
			`select open::float8, high::float8, low::float8, close::float8, volume::float8 from botbox.candles
		  where instrument_id = $1 and timeframe = '1m' and open_at = $2`,
			[signal.instrument_id, signal.candle_at],
		);
		const { open, high, low, close, volume } = rows[0];
		const corrected = close * 1.01;
		await recordCandles(pool, {
			batch: [
				{
					instrument_id: signal.instrument_id,
					timeframe: '1m',
					candles: [[signal.candle_at.getTime(), open, Math.max(high, corrected), low, corrected, volume]],
					fetched_at: system.now().toISOString(),
				},
			],
			now: new Date(system.now().getTime() + 1_000),
		});
		const result = await reEvaluateSignal(pool, signal.id);
		expect(result.isEqual).toBe(false);
		expect(Math.abs(result.difference ?? 0)).toBeGreaterThan(1e-6);
		expect(result.differingFactors.length).toBeGreaterThan(0);
		expect(result.lateCandles).toContainEqual({
			instrumentId: signal.instrument_id,
			timeframe: '1m',
			openAt: signal.candle_at,
			recordedAt: new Date(system.now().getTime() + 1_000),
		});
	});
});

test('candles that are gone are said to be missing', async () => {
	await undone(async (pool) => {
		const signal = signals.findLast(({ strategy }) => strategy === 'mean_reversion')!;
		await pool.query('delete from botbox.candles where instrument_id = $1 and open_at < $2', [
			signal.instrument_id,
			new Date(signal.candle_at.getTime() - 600_000),
		]);
		const short = await reEvaluateSignal(pool, signal.id);
		expect(short).toMatchObject({ isEqual: false, score: null, difference: null });
		expect(short.missing.join()).toMatch(/^\d+ of \d+ candles of \d+m are stored/);
		await pool.query('delete from botbox.candles where instrument_id = $1', [signal.instrument_id]);
		expect((await reEvaluateSignal(pool, signal.id)).missing).toEqual([
			expect.stringMatching(/^candle .* is not stored any more$/),
		]);
		await expect(reEvaluateSignal(pool, 999_999)).rejects.toMatchObject({ code: 'NOT_FOUND' });
	});
});
