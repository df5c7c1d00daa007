/**
 * The first hour of the demonstration on the simulated market: its grids trade, and no bot asks for what its market cannot do.
 */
import { afterEach, expect, test } from 'vitest';
import { createDemo } from '../../src/cli/up/demo.ts';
import { credentials, masterKey, type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

let system: SimulatedSystem;
afterEach(() => system.close());

const seeds = (process.env.BOTBOX_TEST_SEEDS ?? '3,7').split(',').map(Number);

test.each(seeds)(
	'seed %i: grids enter within the hour, and nobody is refused for SHORT_ON_SPOT',
	async (seed) => {
		system = await startSimulatedSystem({ simulator: { seed, instrumentCount: 4 } });
		const { pool } = system.database;
		await createDemo(pool, {
			exchangeId: 'sim',
			actor: 'test',
			live: { ...credentials, masterKey },
			balancesOf: async (id) => await (await system.context.venues.tradingVenue(id)).balances(),
			now: system.now(),
		});
		const { rows: shorts } = await pool.query<{ allow_short: string }>(
			`select distinct v.parameters->>'allow_short' as allow_short
		   from botbox.bots b join botbox.instruments i on i.id = b.instrument_id
		   join botbox.strategy_versions v on v.id = b.strategy_version_id where i.market_type = 'SPOT'`,
		);
		expect(shorts).toEqual([{ allow_short: 'false' }]);
		for (let minute = 0; minute < 60; minute++) await system.minute({ housekeepingEvery: 5 });
		const { rows } = await pool.query<{ positions: number; refused: number }>(
			`select (select count(*) from botbox.positions p join reporting.bot_status b using (bot_id) where b.strategy = 'grid') as positions,
			(select count(*) from botbox.signals where reason_code = 'SHORT_ON_SPOT') as refused`,
		);
		if (process.env.BOTBOX_TEST_LOG) console.table(rows);
		expect(rows[0]?.positions).toBeGreaterThan(0);
		expect(rows[0]?.refused).toBe(0);
	},
	180_000,
);
