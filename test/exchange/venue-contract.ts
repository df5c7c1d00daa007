/** What every venue must do, live or paper: one suite, run by the test file of each. */
import { Decimal } from 'decimal.js';
import { beforeEach, describe, expect, test } from 'vitest';
import type { FillReport, NetPosition } from '../../src/exchange/venue.ts';
import { type Harness, linear, sendOrder, spot, type TestAccount } from './harness.ts';

export function describeVenue(name: string, use: () => Harness, mode: 'LIVE' | 'PAPER'): void {
	describe(`${name} keeps the contract of a venue`, () => {
		let harness: Harness;
		let account: TestAccount;
		let linearId: number;
		let spotId: number;
		let startedAt: number;

		beforeEach(async () => {
			harness = use();
			account = await harness.openAccount(mode);
			linearId = await harness.instrumentId(linear);
			spotId = await harness.instrumentId(spot);
			startedAt = harness.clock();
		});

		const buyLinear = (clientOrderId: string, quantity = '0.010') =>
			sendOrder(account.venue, { instrumentId: linearId, symbol: linear, side: 'BUY', quantity, clientOrderId });

		test('a market order is acknowledged by id only, found, filled, held and paid for', async () => {
			const outcome = await buyLinear(`${account.apiKey}-1`);
			expect(outcome).toEqual({ kind: 'ACKNOWLEDGED', exchangeOrderId: expect.stringMatching(/./) });

			const order = await account.venue.findOrder(linear, `${account.apiKey}-1`);
			expect(order).toMatchObject({
				exchangeOrderId: outcome.kind === 'ACKNOWLEDGED' ? outcome.exchangeOrderId : '',
				clientOrderId: `${account.apiKey}-1`,
				symbol: linear,
				status: 'FILLED',
				side: 'BUY',
			});
			expect(Number(order?.quantity)).toBe(0.01);
			expect(Number(order?.filledQuantity)).toBe(0.01);

			const fills = await account.venue.fillsSince(startedAt);
			expect(sum(fills, 'quantity')).toBe('0.01');
			for (const fill of fills) {
				expect(fill).toMatchObject({
					symbol: linear,
					exchangeOrderId: order?.exchangeOrderId,
					clientOrderId: `${account.apiKey}-1`,
					side: 'BUY',
					feeAsset: 'USDT',
					stopKind: null,
				});
				expect(Number(fill.price)).toBeGreaterThan(0);
				expect(Number(fill.fee)).toBeGreaterThan(0);
				expect(fill.filledAt).toBeGreaterThanOrEqual(startedAt);
			}
			const average = turnoverOf(fills).dividedBy('0.01');
			const [position] = (await account.venue.positions()).map(normalised);
			expect(position).toMatchObject({ symbol: linear, quantity: '0.01', entryPrice: expect.anything() });
			expect(Number(position?.entryPrice)).toBeCloseTo(average.toNumber(), 4);
			expect(await cash()).toBe(new Decimal(100_000).minus(sum(fills, 'fee')).toFixed());
			expect(await account.venue.openOrders()).toEqual([]);
		});

		test('fills are those of one order where it is named, and none are before the time asked for', async () => {
			const first = await buyLinear(`${account.apiKey}-1`);
			harness.clock.advance(5_000);
			const between = harness.clock();
			await buyLinear(`${account.apiKey}-2`, '0.020');
			if (first.kind !== 'ACKNOWLEDGED') throw new Error(JSON.stringify(first));
			const named = await account.venue.fillsSince(startedAt, {
				symbol: linear,
				exchangeOrderId: first.exchangeOrderId,
			});
			expect(sum(named, 'quantity')).toBe('0.01');
			expect(sum(await account.venue.fillsSince(between), 'quantity')).toBe('0.02');
			const all = await account.venue.fillsSince(startedAt);
			expect(sum(all, 'quantity')).toBe('0.03');
			expect(all.map((fill) => fill.filledAt)).toEqual([...all.map((fill) => fill.filledAt)].sort());
			expect(new Set(all.map((fill) => `${fill.exchangeOrderId} ${fill.exchangeFillId}`)).size).toBe(all.length);
		});

		test('a client order id that was used before is UNKNOWN, and asking finds the first order, once', async () => {
			const first = await buyLinear(`${account.apiKey}-1`);
			expect((await buyLinear(`${account.apiKey}-1`)).kind).toBe('UNKNOWN');
			const found = await account.venue.findOrder(linear, `${account.apiKey}-1`);
			expect(first).toMatchObject({ exchangeOrderId: found?.exchangeOrderId });
			expect(sum(await account.venue.fillsSince(startedAt), 'quantity')).toBe('0.01');
		});

		test('an order that never was is null', async () => {
			expect(await account.venue.findOrder(linear, `${account.apiKey}-none`)).toBeNull();
			expect(await account.venue.findOrder(spot, `${account.apiKey}-none`)).toBeNull();
		});

		test('spot: what is bought is base less the fee in base, and that much can be sold', async () => {
			const bought = { instrumentId: spotId, symbol: spot, side: 'BUY', quantity: '0.01000' } as const;
			expect((await sendOrder(account.venue, { ...bought, clientOrderId: `${account.apiKey}-b` })).kind).toBe(
				'ACKNOWLEDGED',
			);
			const buys = await account.venue.fillsSince(startedAt);
			expect(buys.map((fill) => fill.feeAsset)).toEqual(buys.map(() => 'BTC'));
			const held = (await account.venue.balances()).BTC ?? '0';
			expect(new Decimal(held).toFixed()).toBe(new Decimal('0.01').minus(sum(buys, 'fee')).toFixed());

			harness.clock.advance(1_000);
			const soldAt = harness.clock();
			const sold = { instrumentId: spotId, symbol: spot, side: 'SELL', quantity: '0.00999' } as const;
			expect((await sendOrder(account.venue, { ...sold, clientOrderId: `${account.apiKey}-s` })).kind).toBe(
				'ACKNOWLEDGED',
			);
			const sells = await account.venue.fillsSince(soldAt);
			expect(sells.map((fill) => fill.feeAsset)).toEqual(sells.map(() => 'USDT'));
			const proceeds = turnoverOf(sells).minus(sum(sells, 'fee')).minus(turnoverOf(buys));
			expect(Number(await cash())).toBeCloseTo(proceeds.plus(100_000).toNumber(), 6);
			expect(await account.venue.positions()).toEqual([]);
		});

		test('spot: selling more than is held is a definite refusal', async () => {
			const order = { instrumentId: spotId, symbol: spot, side: 'SELL', quantity: '0.01' } as const;
			const outcome = await sendOrder(account.venue, { ...order, clientOrderId: `${account.apiKey}-s` });
			expect(outcome.kind).toBe('REFUSED');
			expect(await account.venue.findOrder(spot, `${account.apiKey}-s`)).toBeNull();
		});

		test('reduce-only closes what is held, realises its profit, and is refused where nothing is held', async () => {
			const close = {
				instrumentId: linearId,
				symbol: linear,
				side: 'SELL',
				reduceOnly: true,
				quantity: '0.010',
			} as const;
			expect((await sendOrder(account.venue, { ...close, clientOrderId: `${account.apiKey}-0` })).kind).toBe('REFUSED');
			await buyLinear(`${account.apiKey}-1`);
			harness.clock.advance(60_000);
			expect((await sendOrder(account.venue, { ...close, clientOrderId: `${account.apiKey}-2` })).kind).toBe(
				'ACKNOWLEDGED',
			);
			expect(await account.venue.positions()).toEqual([]);
			const fills = await account.venue.fillsSince(startedAt);
			const bought = fills.filter((fill) => fill.side === 'BUY');
			const soldFills = fills.filter((fill) => fill.side === 'SELL');
			const profit = turnoverOf(soldFills).minus(turnoverOf(bought)).minus(sum(fills, 'fee'));
			expect(Number(await cash())).toBeCloseTo(profit.plus(100_000).toNumber(), 6);
		});

		test('a short and a turn to the other side are counted by the net', async () => {
			const sell = { instrumentId: linearId, symbol: linear, side: 'SELL', quantity: '0.030' } as const;
			await buyLinear(`${account.apiKey}-1`);
			harness.clock.advance(60_000);
			await sendOrder(account.venue, { ...sell, clientOrderId: `${account.apiKey}-2` });
			const turned = (await account.venue.fillsSince(startedAt)).filter((fill) => fill.side === 'SELL');
			const [short] = (await account.venue.positions()).map(normalised);
			expect(short).toMatchObject({ symbol: linear, quantity: '-0.02' });
			// What is held after a turn was all sold by the turning order.
			const prices = turned.map((fill) => Number(fill.price));
			expect(Number(short?.entryPrice)).toBeGreaterThanOrEqual(Math.min(...prices));
			expect(Number(short?.entryPrice)).toBeLessThanOrEqual(Math.max(...prices));
			harness.clock.advance(60_000);
			await buyLinear(`${account.apiKey}-3`, '0.020');
			expect(await account.venue.positions()).toEqual([]);
			const fills = await account.venue.fillsSince(startedAt);
			const flows = fills.reduce(
				(flow, fill) => (fill.side === 'BUY' ? flow.minus(turnoverOf([fill])) : flow.plus(turnoverOf([fill]))),
				new Decimal(0),
			);
			expect(Number(await cash())).toBeCloseTo(flows.minus(sum(fills, 'fee')).plus(100_000).toNumber(), 6);
		});

		test('nothing is sent when the leave to send is refused or comes too late', async () => {
			const order = {
				instrumentId: linearId,
				symbol: linear,
				marketType: 'LINEAR',
				side: 'BUY',
				quantity: '0.010',
				clientOrderId: `${account.apiKey}-1`,
				stopLossPrice: null,
				takeProfitPrice: null,
			} as const;
			expect(await account.venue.createOrder(order, async () => null)).toMatchObject({
				kind: 'NOT_SENT',
				reason: 'NOT_SUBMITTED',
			});
			const late = async () => ({ reduceOnly: false, mustSendBefore: performance.now() });
			expect(await account.venue.createOrder(order, late)).toMatchObject({ kind: 'NOT_SENT', reason: 'TOO_LATE' });
			expect(await account.venue.findOrder(linear, order.clientOrderId)).toBeNull();
		});

		test('cancelling what is over or never was does no harm', async () => {
			await buyLinear(`${account.apiKey}-1`);
			await account.venue.cancelOrder(linear, `${account.apiKey}-1`);
			await account.venue.cancelOrder(linear, `${account.apiKey}-none`);
			expect(await account.venue.findOrder(linear, `${account.apiKey}-1`)).toMatchObject({ status: 'FILLED' });
		});

		test('an instrument can be prepared again and again', async () => {
			await account.venue.prepareInstrument(linear, 'LINEAR', { leverage: '3', marginMode: null });
			await account.venue.prepareInstrument(linear, 'LINEAR', { leverage: '3', marginMode: 'CROSS' });
			await account.venue.prepareInstrument(linear, 'LINEAR', { leverage: '5', marginMode: 'ISOLATED' });
			await account.venue.prepareInstrument(spot, 'SPOT', { leverage: '1', marginMode: 'ISOLATED' });
		});

		async function cash(): Promise<string> {
			return new Decimal((await account.venue.balances()).USDT ?? '0').toFixed();
		}
	});
}

function sum(fills: readonly FillReport[], field: 'quantity' | 'fee'): string {
	return Decimal.sum(0, ...fills.map((fill) => fill[field])).toFixed();
}

function turnoverOf(fills: readonly FillReport[]): Decimal {
	return Decimal.sum(0, ...fills.map((fill) => new Decimal(fill.price).times(fill.quantity)));
}

function normalised(position: NetPosition): NetPosition {
	return { ...position, quantity: new Decimal(position.quantity).toFixed() };
}
