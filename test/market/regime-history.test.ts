/** Regimes over time: each worker goes on from the regime that was stored, so that a restart does not forget the hysteresis. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Regime } from '../../src/domain.ts';
import { classifyRegime, regimeHistory } from '../../src/market/regime.ts';
import { createMarketView } from '../../src/market/view.ts';
import { CandleWindows, marketKey } from '../../src/market/windows.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeInstrument } from '../support/factories/world.ts';
import { randomWalk, slice } from './market-windows.ts';

let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());

const steps = 250;
const minutes = 5;

test('a worker that restarts at every candle tells the same regimes as one that never did', async () => {
	const { pool } = database;
	const { id } = await makeInstrument(pool);
	const walk = randomWalk(4, regimeHistory + steps);
	const candles = Array.from(walk.openAt, (openAt, index) => {
		const [open, high, low, close] = [walk.open[index], walk.high[index], walk.low[index], walk.close[index]];
		return { open_at: new Date(openAt).toISOString(), open, high, low, close, volume: walk.volume[index] };
	});
	await pool.query(
		`insert into botbox.candles (instrument_id, timeframe, open_at, open, high, low, close, volume, is_native)
		 select $1, '5m', c.open_at, c.open, c.high, c.low, c.close, c.volume, true
		   from jsonb_to_recordset($2) as c (open_at timestamptz, open numeric, high numeric, low numeric, close numeric, volume numeric)`,
		[id, JSON.stringify(candles)],
	);
	let kept: Regime | null = null;
	let bareDiffers = 0;
	for (let end = regimeHistory; end <= walk.close.length; end += 1) {
		const view = createMarketView(slice(walk, end - regimeHistory, end), null);
		kept = classifyRegime(view, kept);
		if (JSON.stringify(classifyRegime(view, null)) !== JSON.stringify(kept)) bareDiffers += 1;

		const closedAt = (walk.openAt[end - 1] ?? 0) + minutes * 60_000;
		const request = {
			instrumentId: id,
			timeframe: '5m',
			candles: regimeHistory,
			revision: end,
			historyRevision: null,
			dueAt: closedAt,
		} as const;
		const markets = await new CandleWindows().load(pool, [request], new Date(closedAt));
		const market = markets.get(marketKey(id, '5m'));
		expect(market?.regime, `candle ${end}`).toEqual(kept);
		// As record_checks does.
		await pool.query(
			`insert into botbox.regimes (instrument_id, timeframe, candle_at, direction, volatility, figures) values ($1, '5m', $2, $3, $4, $5)`,
			[id, new Date(market?.candleAt ?? 0), kept?.direction, kept?.volatility, JSON.stringify(market?.regimeFigures)],
		);
	}
	expect(bareDiffers).toBeGreaterThan(10);
}, 60_000);
