/**
 * A thousand bots of all five strategies on twenty instruments compute each indicator once per candle: ten bots of each kind cost
 * exactly as many computations as one of each kind.
 */
import { expect, test } from 'vitest';
import { createAccount, createBot } from '../../src/database/functions/administration.ts';
import { findInstruments } from '../../src/database/functions/market.ts';
import { ensureStrategyVersion } from '../../src/market/strategy-versions.ts';
import { indicatorUse } from '../../src/market/view.ts';
import { strategies } from '../../src/strategies/registry.ts';
import { keepHistory } from '../../src/workers/keep-history.ts';
import { type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

const instrumentCount = 20;
/** Over a quarter of an hour, so that candles of 1, 5 and 15 minutes close. */
const minutes = 16;

async function createBots(system: SimulatedSystem, copies: number): Promise<number> {
	const { pool } = system.database;
	const accountId = await createAccount(pool, {
		name: 'paper',
		exchangeId: 'sim',
		settleAsset: 'USDT',
		mode: 'PAPER',
		capital: 1_000_000,
		// What is traded is not the point here.
		limits: { max_positions: 0 },
		now: system.now(),
	});
	const instruments = await findInstruments(pool, { exchangeId: 'sim' });
	const perpetuals = instruments.filter(({ marketType }) => marketType === 'LINEAR').slice(0, instrumentCount);
	let bots = 0;
	for (const { name, defaultInterval, legs = 1 } of strategies) {
		const strategyVersionId = await ensureStrategyVersion(pool, name, {});
		for (const perpetual of perpetuals) {
			const spot = instruments.find(({ marketType, exchangeSymbol }) => {
				return marketType === 'SPOT' && exchangeSymbol === perpetual.exchangeSymbol;
			});
			if (legs === 2 && spot === undefined) throw new Error(`${perpetual.symbol} has no spot market`);
			for (let copy = 0; copy < copies; copy++) {
				await createBot(pool, {
					name: `${name} ${perpetual.exchangeSymbol} ${copy}`,
					strategyVersionId,
					accountId,
					instrumentId: legs === 2 ? spot!.id : perpetual.id,
					furtherInstrumentIds: legs === 2 ? [perpetual.id] : [],
					intervalMinutes: defaultInterval,
					sizing: 'FIXED_NOTIONAL',
					sizingValue: 300,
					isDueAtOnce: true,
					now: system.now(),
				});
				bots += 1;
			}
		}
	}
	return bots;
}

/** Per minute: how many indicators were computed, and how often one that was there was taken. */
async function computedPerMinute(copies: number): Promise<{ computed: number[]; reused: number; checks: number }> {
	const system = await startSimulatedSystem({ simulator: { instrumentCount } });
	try {
		expect(await createBots(system, copies)).toBe(strategies.length * instrumentCount * copies);
		// Funding rates first: without any the pairs would say so.
		await keepHistory(system.context, system.now());
		const computed: number[] = [];
		const before = { ...indicatorUse };
		for (let minute = 0; minute < minutes; minute++) {
			const { computed: known } = indicatorUse;
			await system.minute({ housekeepingEvery: 60 });
			computed.push(indicatorUse.computed - known);
		}
		const { rows } = await system.database.pool.query<{ strategy: string; outcome: string; checks: number }>(
			`select b.strategy, c.outcome, count(*)::integer as checks
			   from botbox.checks c join reporting.bot_status b on b.bot_id = c.bot_id
			  group by 1, 2`,
		);
		expect(rows.filter(({ outcome }) => !['NO_SIGNAL', 'REJECTED', 'REPEATED'].includes(outcome))).toEqual([]);
		const checks = rows.reduce((sum, row) => sum + row.checks, 0);
		return { computed, reused: indicatorUse.reused - before.reused, checks };
	} finally {
		await system.close();
	}
}

test('a thousand bots compute as much as a hundred that differ', async () => {
	const one = await computedPerMinute(1);
	const ten = await computedPerMinute(10);
	if (process.env.BOTBOX_TEST_LOG) console.log(one, ten);
	expect(ten.checks).toBe(10 * one.checks);
	expect(ten.computed).toEqual(one.computed);
	// Each minute has a candle, and each candle its indicators.
	expect(Math.min(...one.computed)).toBeGreaterThanOrEqual(instrumentCount);
	expect(ten.reused).toBeGreaterThan(one.reused);
}, 300_000);
