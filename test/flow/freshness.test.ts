/** No decision on old data: of a pair the staler leg counts, one live attempt is made, and each check tells the age of its data. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAccount, createBot } from '../../src/database/functions/administration.ts';
import { monitorHealth } from '../../src/database/functions/guards.ts';
import { findInstruments } from '../../src/database/functions/market.ts';
import type { MarketData } from '../../src/exchange/venue.ts';
import { ensureStrategyVersion } from '../../src/market/strategy-versions.ts';
import { runManualChecks } from '../../src/workers/run-manual-checks.ts';
import { type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

let system: SimulatedSystem;
let botId: number;
let second: { readonly id: number; readonly symbol: string };
/** Whether candles of the second leg cannot be had. */
let isCut = false;

beforeAll(async () => {
	system = await startSimulatedSystem({ simulator: { instrumentCount: 1 } });
	const { pool } = system.database;
	const instruments = await findInstruments(pool, { exchangeId: 'sim' });
	const spot = instruments.find(({ marketType }) => marketType === 'SPOT')!;
	second = instruments.find(({ marketType }) => marketType === 'LINEAR')!;
	const accountId = await createAccount(pool, {
		...{ name: 'paper', exchangeId: 'sim', settleAsset: 'USDT', mode: 'PAPER', capital: 10_000 },
		now: system.now(),
	});
	botId = await createBot(pool, {
		name: 'pair',
		strategyVersionId: await ensureStrategyVersion(pool, 'funding_arbitrage', { timeframe: '1m' }),
		accountId,
		instrumentId: spot.id,
		furtherInstrumentIds: [second.id],
		...{ intervalMinutes: 1, sizing: 'FIXED_NOTIONAL', sizingValue: 1_000 },
		now: system.now(),
	});
	const { venues } = system.context;
	const marketData = venues.marketData;
	Object.assign(venues, {
		marketData: async (exchangeId: string): Promise<MarketData> => {
			const data = await marketData(exchangeId);
			const candles: MarketData['candles'] = async (symbol, ...rest) => {
				if (isCut && symbol === second.symbol) throw new Error('cut');
				return await data.candles(symbol, ...rest);
			};
			return { ...data, candles };
		},
	});
}, 60_000);
afterAll(() => system.close());

async function lastCheck() {
	const { rows } = await system.database.pool.query(
		`select outcome, reason_code, data_age_ms, signal_id from botbox.checks where bot_id = $1 order by recorded_at desc limit 1`,
		[botId],
	);
	return rows[0];
}
const lagging = async () => {
	await monitorHealth(system.database.pool, { now: system.now() });
	const { rows } = await system.database.pool.query(
		`select subject from botbox.alerts where code = 'DATA_LAG' and resolved_at is null`,
	);
	return rows.map(({ subject }) => subject);
};

test('the staler leg is the age of a pair; a live attempt saves the check, and where it fails there is no decision', async () => {
	await system.minute();
	await system.minute();
	expect(await lastCheck()).toMatchObject({ outcome: 'NO_SIGNAL' });
	expect((await lastCheck()).data_age_ms).toBeLessThan(60_000);

	// Nobody fetches, but the exchange is there: each check that finds its data too old fetches it itself.
	for (let minute = 0; minute < 5; minute++) {
		await system.minute({ withoutFeed: true });
		expect((await lastCheck()).outcome).not.toBe('STALE_DATA');
		expect((await lastCheck()).data_age_ms).toBeLessThanOrEqual(120_000);
	}

	// The second leg alone is cut off.
	isCut = true;
	for (let minute = 0; minute < 4; minute++) await system.minute();
	expect(await lastCheck()).toMatchObject({ outcome: 'STALE_DATA', reason_code: 'STALE_DATA', signal_id: null });
	expect((await lastCheck()).data_age_ms).toBeGreaterThan(120_000);
	expect((await lastCheck()).data_age_ms).toBeLessThan(360_000);
	expect(await lagging()).toEqual([]);

	// Beyond five minutes an operator is told which market it is, though it is nobody's first leg.
	for (let minute = 0; minute < 3; minute++) await system.minute();
	expect(await lagging()).toEqual([`sim ${second.symbol}`]);

	// A check by hand is refused like any other.
	await system.context.jobs.requestCheck({ botId, requestedAt: system.now().toISOString(), isDryRun: false });
	await runManualChecks(system.context, system.now());
	expect((await lastCheck()).outcome).toBe('STALE_DATA');

	isCut = false;
	await system.minute();
	await system.minute();
	expect(await lastCheck()).toMatchObject({ outcome: 'NO_SIGNAL' });
	expect(await lagging()).toEqual([]);
}, 120_000);
