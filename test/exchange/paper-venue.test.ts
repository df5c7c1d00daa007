/** The paper venue on a real database, with prices of the simulated exchange. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordTickers } from '../../src/database/functions/market.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type Harness, linear, sendOrder, startHarness } from './harness.ts';
import { describeVenue } from './venue-contract.ts';

let database: TestDatabase;
let harness: Harness;
beforeAll(async () => {
	database = await createTestDatabase();
	harness = await startHarness(database.pool);
});
afterAll(async () => {
	await harness.close();
	await database.drop();
});

describeVenue('the paper venue', () => harness, 'PAPER');

describe('the paper venue fills', () => {
	test('at the side of the book that the order meets, a slippage and a fee worse', async () => {
		const { venue } = await harness.openAccount('PAPER');
		const instrumentId = await harness.instrumentId(linear);
		harness.clock.advance(60_000);
		const quotedAt = new Date(harness.clock());
		const ticker = { symbol: linear, bid: '60000', ask: '60010', last: '60005', mark: null, quoted_at: quotedAt };
		await recordTickers(database.pool, { exchangeId: 'sim', tickers: [ticker], now: quotedAt });
		const startedAt = harness.clock();
		const order = { instrumentId, symbol: linear, quantity: '0.010' } as const;
		await sendOrder(venue, { ...order, side: 'BUY', clientOrderId: 'paper-side-1' });
		await sendOrder(venue, { ...order, side: 'SELL', clientOrderId: 'paper-side-2' });
		const [bought, sold] = await venue.fillsSince(startedAt);
		// 2 bps of 60,010 are 12.002, rounded up to the tick of 0.1; of 60,000 they are 12.
		expect(Number(bought?.price)).toBe(60_022.1);
		expect(Number(sold?.price)).toBe(59_988);
		expect(Number(bought?.fee)).toBeCloseTo(0.01 * 60_022.1 * 0.0006, 10);
	});

	test('at a price asked for when the stored one is old, and stores that', async () => {
		const { venue } = await harness.openAccount('PAPER');
		const instrumentId = await harness.instrumentId(linear);
		harness.clock.advance(11_000);
		const order = {
			instrumentId,
			symbol: linear,
			side: 'BUY',
			quantity: '0.010',
			clientOrderId: 'paper-old-1',
		} as const;
		const startedAt = harness.clock();
		expect((await sendOrder(venue, order)).kind).toBe('ACKNOWLEDGED');
		const stored = await database.pool.query('select ask, quoted_at from botbox.tickers where instrument_id = $1', [
			instrumentId,
		]);
		expect(stored.rows[0].quoted_at.getTime()).toBeGreaterThanOrEqual(startedAt);
		const [fill] = await venue.fillsSince(startedAt);
		expect(Number(fill?.price) / Number(stored.rows[0].ask)).toBeCloseTo(1.0002, 5);
	});

	test('nothing without a price: the order is handed back before its row is committed', async () => {
		const { venue } = await harness.openAccount('PAPER');
		const instrumentId = await harness.instrumentId(linear);
		harness.clock.advance(11_000);
		harness.simulator.addFault({ kind: 'http_5xx', endpoint: 'tickers' });
		let asked = 0;
		const outcome = await venue.createOrder(
			{
				instrumentId,
				symbol: linear,
				marketType: 'LINEAR',
				side: 'BUY',
				quantity: '0.010',
				clientOrderId: 'paper-no-price',
				stopLossPrice: null,
				takeProfitPrice: null,
			},
			async () => {
				asked += 1;
				return null;
			},
		);
		expect(outcome).toMatchObject({ kind: 'NOT_SENT', reason: 'NO_FRESH_PRICE' });
		expect(asked).toBe(0);
	});

	test('two reduce-only closes at once reduce no more than is held', async () => {
		const { venue } = await harness.openAccount('PAPER');
		const instrumentId = await harness.instrumentId(linear);
		const order = { instrumentId, symbol: linear, quantity: '0.010' } as const;
		await sendOrder(venue, { ...order, side: 'BUY', clientOrderId: 'paper-race-0' });
		const outcomes = await Promise.all(
			[1, 2, 3].map((n) =>
				sendOrder(venue, { ...order, side: 'SELL', reduceOnly: true, clientOrderId: `paper-race-${n}` }),
			),
		);
		expect(outcomes.map((outcome) => outcome.kind).sort()).toEqual(['ACKNOWLEDGED', 'REFUSED', 'REFUSED']);
		expect(await venue.positions()).toEqual([]);
	});
});

test('funding is paid once, by what was held at its time and at the price before it; the balance tells it too', async () => {
	const { venue } = await harness.openAccount('PAPER');
	const instrumentId = await harness.instrumentId(linear);
	const startedAt = harness.clock();
	const at = (ms: number) => new Date(startedAt + ms);
	const prices = { symbol: linear, bid: '60000', ask: '60000', last: '60000', mark: null, quoted_at: at(0) };
	await recordTickers(database.pool, { exchangeId: 'sim', tickers: [prices], now: at(0) });
	const order = { instrumentId, symbol: linear } as const;
	await sendOrder(venue, { ...order, side: 'SELL', quantity: '0.030', clientOrderId: 'paper-funding-1' });
	const before = Number((await venue.balances()).USDT);
	await database.pool.query(
		`insert into botbox.candles (instrument_id, timeframe, open_at, open, high, low, close, volume, is_native)
		 values ($1, '1m', $2, 50000, 50000, 50000, 50000, 1, true)`,
		[instrumentId, at(60_000)],
	);
	await database.pool.query(
		`insert into botbox.funding_rates (instrument_id, funding_at, rate) values ($1, $2, 0.0001), ($1, $3, 0.5), ($1, $4, -0.0002)`,
		[instrumentId, at(120_000), at(-1), at(7_200_000)],
	);
	harness.clock.advance(180_000);

	const paid = [{ symbol: linear, asset: 'USDT', amount: '0.15' }];
	// Half is bought back later, which changes nothing of what was settled before.
	expect(await venue.fundingPayments(startedAt)).toMatchObject(paid);
	await sendOrder(venue, { ...order, side: 'BUY', quantity: '0.015', clientOrderId: 'paper-funding-2' });
	const [again, more] = await venue.fundingPayments(startedAt);
	expect(again).toMatchObject({ ...paid[0], paidAt: startedAt + 120_000 });
	expect(more).toBeUndefined();
	const fees = await database.pool.query(
		`select sum(o.fee) as fee from botbox.paper_orders o where o.client_order_id = 'paper-funding-2'`,
	);
	const realised = await database.pool.query(
		`select realised from botbox.replay_paper_orders($1) where instrument_id = $2`,
		[venue.accountId, instrumentId],
	);
	const after = Number((await venue.balances()).USDT);
	expect(after - before).toBeCloseTo(0.15 + Number(realised.rows[0].realised) - Number(fees.rows[0].fee), 9);

	harness.clock.advance(7_200_000);
	expect((await venue.fundingPayments(startedAt)).map(({ amount }) => amount)).toEqual(['0.15', '-0.15']);
});
