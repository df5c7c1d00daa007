/** The demonstration on recorded candles: whatever minute it starts at, both accounts trade at their first checks. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { createDemo } from '../../src/cli/up/demo.ts';
import { checkLedger } from '../../src/database/functions/guards.ts';
import {
	credentials,
	flowStart,
	masterKey,
	type SimulatedSystem,
	startSimulatedSystem,
} from '../support/simulated-system.ts';

const recording = fileURLToPath(new URL('../../../shared/data/candles/UNITTEST-BTC_1m.csv', import.meta.url));
if (!existsSync(recording)) console.log(`skipped: no recorded candles at ${recording}`);

let system: SimulatedSystem;
afterEach(() => system.close());

test.skipIf(!existsSync(recording)).each([0, 1, 2, 3, 4, 7, 10, 13])(
	'started %i minutes past the hour',
	async (minutes) => {
		system = await startSimulatedSystem({
			simulator: { marketFile: recording },
			startAt: flowStart + minutes * 60_000,
		});
		const { pool } = system.database;
		const bots = await createDemo(pool, {
			exchangeId: 'sim',
			actor: 'test',
			live: { ...credentials, masterKey },
			balancesOf: async (id) => await (await system.context.venues.tradingVenue(id)).balances(),
			now: system.now(),
		});
		expect(bots).toBeGreaterThanOrEqual(12);
		await system.minute();
		await system.minute();
		const checked = await pool.query('select count(distinct bot_id) as bots from botbox.checks');
		expect(checked.rows[0].bots).toBe(bots);
		const traded = await pool.query(
			`select a.mode, count(*) from botbox.trade_queue t join botbox.accounts a on a.id = t.account_id where t.status = 'EXECUTED' group by 1 order by 1`,
		);
		expect(traded.rows.map((row) => row.mode)).toEqual(['PAPER', 'LIVE']);
		expect(await checkLedger(pool, {})).toEqual([]);
	},
);
