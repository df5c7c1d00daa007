/** The feed is cut: every strategy refuses to decide on data older than two minutes, says so, and goes on once data comes again. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAccount, createBot } from '../../src/database/functions/administration.ts';
import { findInstruments } from '../../src/database/functions/market.ts';
import { regimeDirections } from '../../src/domain.ts';
import { ensureStrategyVersion } from '../../src/market/strategy-versions.ts';
import { strategies } from '../../src/strategies/registry.ts';
import { type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

let system: SimulatedSystem;
beforeAll(async () => {
	system = await startSimulatedSystem({ simulator: { instrumentCount: 1 } });
	const { pool } = system.database;
	const accountId = await createAccount(pool, {
		name: 'paper',
		exchangeId: 'sim',
		settleAsset: 'USDT',
		mode: 'PAPER',
		capital: 100_000,
		limits: { max_positions: 50, max_correlated_positions: 50 },
		now: system.now(),
	});
	const instruments = await findInstruments(pool, { exchangeId: 'sim' });
	const perpetual = instruments.find(({ marketType }) => marketType === 'LINEAR')!;
	const spot = instruments.find(({ marketType }) => marketType === 'SPOT')!;
	for (const { name, legs = 1 } of strategies) {
		// They decide every minute, at the slightest inclination: signals come all the time while data does.
		const eager =
			name === 'grid'
				? { min_step_fraction: 0.0001, atr_factor: 0.1 }
				: legs === 2
					? {}
					: { entry_threshold: 0.02, exit_threshold: 0 };
		await createBot(pool, {
			name,
			strategyVersionId: await ensureStrategyVersion(pool, name, {
				...eager,
				timeframe: '1m',
				favourable_regimes: [...regimeDirections],
			}),
			accountId,
			instrumentId: legs === 2 ? spot.id : perpetual.id,
			furtherInstrumentIds: legs === 2 ? [perpetual.id] : [],
			intervalMinutes: 1,
			sizing: 'FIXED_NOTIONAL',
			sizingValue: 500,
			isDueAtOnce: true,
			now: system.now(),
		});
	}
}, 60_000);
afterAll(() => system.close());

interface Seen {
	readonly strategy: string;
	readonly outcome: string;
	readonly data_age_ms: number;
}

/** Runs `minutes` and answers the checks that were made, and how many signals. */
async function run(minutes: number): Promise<{ checks: Seen[]; signals: number }> {
	const { pool } = system.database;
	const from = system.now();
	for (let minute = 0; minute < minutes; minute++) {
		// The breaker rests an exchange that fails: here the age of the data alone has to refuse.
		await pool.query(
			`update botbox.circuit_breakers set state = 'CLOSED', consecutive_failures = 0, opened_at = null, probe_at = null, probed_by = null
			  where exchange_id = 'sim'`,
		);
		await system.minute();
	}
	const { rows: checks } = await pool.query<Seen>(
		`select b.strategy, c.outcome, c.data_age_ms from botbox.checks c join reporting.bot_status b on b.bot_id = c.bot_id
		  where c.recorded_at > $1`,
		[from],
	);
	const signals = await pool.query(`select from botbox.signals where decided_at > $1`, [from]);
	return { checks, signals: signals.rowCount ?? 0 };
}

test('no strategy decides on data older than two minutes', async () => {
	const fresh = await run(20);
	expect(new Set(fresh.checks.map(({ strategy }) => strategy)).size).toBe(strategies.length);
	expect(fresh.signals).toBeGreaterThan(0);
	expect(Math.max(...fresh.checks.map(({ data_age_ms }) => data_age_ms))).toBeLessThanOrEqual(120_000);

	system.simulator.addFault({ kind: 'maintenance', count: 100_000, endpoint: '/v5/market/kline' });
	await run(2);
	const blind = await run(8);
	expect(blind.signals).toBe(0);
	expect(new Set(blind.checks.map(({ outcome }) => outcome))).toEqual(new Set(['STALE_DATA']));
	expect(new Set(blind.checks.map(({ strategy }) => strategy)).size).toBe(strategies.length);
	expect(Math.min(...blind.checks.map(({ data_age_ms }) => data_age_ms))).toBeGreaterThan(120_000);
	const { rows: alerts } = await system.database.pool.query(
		`select code from botbox.alerts where code = 'DATA_LAG' and resolved_at is null`,
	);
	expect(alerts).not.toEqual([]);

	system.simulator.clearFaults();
	await run(2);
	const again = await run(20);
	expect(again.checks.filter(({ outcome }) => outcome === 'STALE_DATA')).toEqual([]);
	expect(again.signals).toBeGreaterThan(0);
}, 180_000);
