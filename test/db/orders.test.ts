/** The life of an order between the commit and the exchange's word: never sent twice while a sending may stand. */
import { expect, test } from 'vitest';
import { monitorHealth } from '../../src/database/functions/guards.ts';
import {
	claimTrades,
	claimUnsettledOrders,
	expireTrades,
	recordOrderResult,
	recoverOrders,
	releaseTrades,
	resolveMissingOrder,
	retryCloses,
	settleOrder,
	submitOrder,
} from '../../src/database/functions/trades.ts';
import {
	applyFill,
	openOrder,
	openPosition,
	queueTrade,
	type SentOrder,
	submitTrade,
	workerId,
} from '../support/factories/trading.ts';
import { after, makeBot, makeWorld, quote, start } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

const orderRow = (id: number) => one(books.pool, 'select * from orders where id = $1', [id]);
const tradeRow = (id: string) => one(books.pool, 'select * from trade_queue where id = $1', [id]);
const record = (
	order: SentOrder,
	result: string,
	now: Date,
	more: { code?: string; message?: string; workerId?: string } = {},
) => recordOrderResult(books.pool, { orderId: order.orderId, workerId, result, now, ...more });
const openAlerts = async (code: string) =>
	(await books.pool.query('select subject from alerts where code = $1 and resolved_at is null', [code])).rows;

async function sentEntry(): Promise<SentOrder> {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	return await submitTrade(books.pool, await queueTrade(books.pool, bot));
}

test('an order is committed as SUBMITTING before it is sent, and can be committed once', async () => {
	const order = await sentEntry();
	expect(await orderRow(order.orderId)).toMatchObject({
		status: 'SUBMITTING',
		purpose: 'ENTRY',
		side: 'BUY',
		quantity: '10.000',
		send_count: 1,
		send_deadline: after(30),
	});
	const again = { tradeId: order.tradeId, workerId, clientOrderId: order.clientOrderId, now: after(1) };
	expect(await submitOrder(books.pool, again)).toEqual([]);
	expect(await submitOrder(books.pool, { ...again, workerId: 'worker-2' })).toEqual([]);
	expect(await releaseTrades(books.pool, { tradeIds: [order.tradeId], workerId, now: after(1) })).toBe(0);
});

test('two connections submit the same trade at once: one of them may send', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	for (let round = 0; round < 10; round++) {
		const now = after(round * 600);
		const tradeId = await queueTrade(books.pool, bot, { now });
		await claimTrades(books.pool, { workerId, now });
		const submit = { tradeId, workerId, clientOrderId: `race-${round}`, now };
		const rows = await Promise.all([submitOrder(books.pool, submit), submitOrder(books.pool, submit)]);
		expect(rows.flat()).toHaveLength(1);
		await recordOrderResult(books.pool, {
			orderId: rows.flat()[0]!.orderId,
			workerId,
			result: 'REFUSED',
			code: 'x',
			now,
		});
	}
});

test("acknowledged: the order is OPEN under the exchange's id, however often it is said", async () => {
	const order = await sentEntry();
	for (const [seconds, exchangeOrderId] of [
		[1, 'ex-1'],
		[2, 'ex-2'],
	] as const) {
		const result = { orderId: order.orderId, workerId, result: 'ACKNOWLEDGED', exchangeOrderId, now: after(seconds) };
		expect(await recordOrderResult(books.pool, result)).toBe('OPEN');
	}
	expect(await orderRow(order.orderId)).toMatchObject({
		status: 'OPEN',
		exchange_order_id: 'ex-1',
		acknowledged_at: after(1),
	});
	expect(await tradeRow(order.tradeId)).toMatchObject({ status: 'EXECUTING', acknowledged_at: after(1) });
});

test('refused: the order is REJECTED, an entry FAILED and its capital free; later words change nothing', async () => {
	const order = await sentEntry();
	expect(await record(order, 'REFUSED', after(1), { code: '110007', message: 'insufficient' })).toBe('REJECTED');
	expect(await orderRow(order.orderId)).toMatchObject({
		status: 'REJECTED',
		reject_code: '110007',
		finished_at: after(1),
	});
	expect(await tradeRow(order.tradeId)).toMatchObject({
		status: 'FAILED',
		reason_code: 'EXCHANGE_REFUSED',
		error: '110007 insufficient',
		reserved_capital: '0',
	});
	for (const result of ['UNKNOWN', 'NOT_ACCEPTED', 'REFUSED', 'ACKNOWLEDGED'])
		expect(await record(order, result, after(2))).toBe('REJECTED');
	expect(await claimTrades(books.pool, { workerId, now: after(60) })).toEqual([]);
});

test('not accepted: sent again after 1, 5 and 15 s under the same client order id, then ATTEMPTS_EXHAUSTED', async () => {
	let order = await sentEntry();
	let seconds = 0;
	for (const pause of [1, 5, 15]) {
		expect(await record(order, 'NOT_ACCEPTED', after(seconds), { code: '429' })).toBe('RETRY');
		expect(await tradeRow(order.tradeId)).toMatchObject({ status: 'PENDING', next_attempt_at: after(seconds + pause) });
		expect(await claimTrades(books.pool, { workerId, now: after(seconds + pause - 0.001) })).toEqual([]);
		seconds += pause;
		const again = await submitTrade(books.pool, order.tradeId, { now: after(seconds) });
		expect(again).toMatchObject({ orderId: order.orderId, clientOrderId: order.clientOrderId });
		order = again;
	}
	expect(await orderRow(order.orderId)).toMatchObject({ send_count: 4, not_accepted_at: null });
	expect(await record(order, 'NOT_ACCEPTED', after(seconds), { code: '429' })).toBe('REJECTED');
	expect(await tradeRow(order.tradeId)).toMatchObject({ status: 'FAILED', reason_code: 'ATTEMPTS_EXHAUSTED' });
});

test('a close that is not accepted goes on each minute', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	await openPosition(books.pool, bot);
	const tradeId = await queueTrade(books.pool, bot, { direction: 'CLOSE' });
	let seconds = 0;
	for (const pause of [1, 5, 15, 60, 60, 60, 60, 60, 60, 60]) {
		const order = await submitTrade(books.pool, tradeId, { now: after(seconds) });
		expect(await record(order, 'NOT_ACCEPTED', after(seconds))).toBe('RETRY');
		seconds += pause;
		expect(await tradeRow(tradeId)).toMatchObject({ next_attempt_at: after(seconds) });
	}
});

test('an entry that waits for its retry expires with its order', async () => {
	const order = await sentEntry();
	await record(order, 'NOT_ACCEPTED', start);
	expect(await expireTrades(books.pool, { now: after(300) })).toBe(1);
	expect(await orderRow(order.orderId)).toMatchObject({
		status: 'REJECTED',
		reject_code: 'EXPIRED',
		finished_at: after(300),
	});
});

test('unknown: nothing sends it again until the exchange says, past the grace period, that it does not exist', async () => {
	const order = await sentEntry();
	expect(await record(order, 'UNKNOWN', after(10), { message: 'timeout' })).toBe('UNKNOWN');
	expect(await orderRow(order.orderId)).toMatchObject({ status: 'UNKNOWN', unknown_since: after(10) });
	const submit = { tradeId: order.tradeId, workerId, clientOrderId: order.clientOrderId };
	expect(await submitOrder(books.pool, { ...submit, now: after(11) })).toEqual([]);
	expect(await recoverOrders(books.pool, { now: after(31) })).toEqual([
		{ recoveredOrders: 0, recoveredTrades: 0, parkedTrades: 0 },
	]);
	expect(await claimTrades(books.pool, { workerId, now: after(31) })).toEqual([]);
	const missing = { orderId: order.orderId, graceMs: 40_000 };
	expect(await resolveMissingOrder(books.pool, { ...missing, now: after(39) })).toBe('UNKNOWN');
	expect(await resolveMissingOrder(books.pool, { ...missing, now: after(40) })).toBe('RETRY');
	expect(await resolveMissingOrder(books.pool, { ...missing, now: after(40) })).toBe('SUBMITTING');
	const again = await submitTrade(books.pool, order.tradeId, { now: after(40) });
	expect(again.clientOrderId).toBe(order.clientOrderId);
	expect(await orderRow(order.orderId)).toMatchObject({ send_count: 2, status: 'SUBMITTING', unknown_since: null });
});

test('an entry that turns out not to exist after its time expires', async () => {
	const order = await sentEntry();
	await record(order, 'UNKNOWN', start);
	expect(await resolveMissingOrder(books.pool, { orderId: order.orderId, graceMs: 40_000, now: after(300) })).toBe(
		'EXPIRED',
	);
	expect(await orderRow(order.orderId)).toMatchObject({ status: 'REJECTED', reject_code: 'NOT_FOUND' });
	expect(await tradeRow(order.tradeId)).toMatchObject({ status: 'EXPIRED', reason_code: 'TTL_EXPIRED' });
});

test('a sender that died leaves an order that becomes UNKNOWN when its lease is over', async () => {
	const order = await sentEntry();
	expect(await recoverOrders(books.pool, { now: after(29) })).toMatchObject([{ recoveredOrders: 0 }]);
	expect(await recoverOrders(books.pool, { now: after(30) })).toMatchObject([
		{ recoveredOrders: 1, recoveredTrades: 0 },
	]);
	expect(await orderRow(order.orderId)).toMatchObject({
		status: 'UNKNOWN',
		unknown_since: after(30),
		next_query_at: after(30),
	});
	expect(await recoverOrders(books.pool, { now: after(30) })).toMatchObject([{ recoveredOrders: 0 }]);
});

test('unknown for 10 minutes: PARKED for a person under a CRITICAL alert, which ends with the uncertainty', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	await openPosition(books.pool, bot);
	const order = await submitTrade(books.pool, await queueTrade(books.pool, bot, { direction: 'CLOSE' }));
	await record(order, 'UNKNOWN', start);
	expect(await recoverOrders(books.pool, { now: after(599) })).toMatchObject([{ parkedTrades: 0 }]);
	expect(await recoverOrders(books.pool, { now: after(600) })).toMatchObject([{ parkedTrades: 1 }]);
	expect(await recoverOrders(books.pool, { now: after(601) })).toMatchObject([{ parkedTrades: 0 }]);
	expect(await tradeRow(order.tradeId)).toMatchObject({
		status: 'PARKED',
		reason_code: 'UNRESOLVED',
		claimed_by: null,
	});
	await monitorHealth(books.pool, { now: after(601) });
	expect(await openAlerts('ORDER_UNKNOWN')).toEqual([{ subject: `order ${order.orderId}` }]);
	// Asking goes on; the exchange's word frees it.
	expect(await claimUnsettledOrders(books.pool, { now: after(601) })).toMatchObject([{ orderId: order.orderId }]);
	expect(await resolveMissingOrder(books.pool, { orderId: order.orderId, graceMs: 40_000, now: after(602) })).toBe(
		'RETRY',
	);
	expect(await tradeRow(order.tradeId)).toMatchObject({ status: 'PENDING', reason_code: null });
	await monitorHealth(books.pool, { now: after(603) });
	expect(await openAlerts('ORDER_UNKNOWN')).toEqual([]);
});

test('a late word of a sender that lost its claim does not free an order that another has sent since', async () => {
	const order = await sentEntry();
	await recoverOrders(books.pool, { now: after(30) });
	await resolveMissingOrder(books.pool, { orderId: order.orderId, graceMs: 40_000, now: after(40) });
	await submitTrade(books.pool, order.tradeId, { now: after(41), workerId: 'worker-2' });
	for (const result of ['NOT_ACCEPTED', 'REFUSED']) {
		expect(await record(order, result, after(42))).toBe('SUBMITTING');
		expect(await orderRow(order.orderId)).toMatchObject({
			status: 'SUBMITTING',
			not_accepted_at: null,
			finished_at: null,
		});
		expect(await tradeRow(order.tradeId)).toMatchObject({ status: 'EXECUTING', claimed_by: 'worker-2' });
	}
	expect(await record(order, 'NOT_ACCEPTED', after(42), { workerId: 'worker-2' })).toBe('RETRY');
});

test("the exchange's end of an order is believed once all fills that it counts are booked", async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	const order = await openOrder(books.pool, bot);
	await applyFill(books.pool, order, { quantity: 4 });
	const settle = { orderId: order.orderId, status: 'CANCELLED', now: after(5) } as const;
	expect(await settleOrder(books.pool, { ...settle, filledQuantity: 7 })).toBe('PARTIALLY_FILLED');
	await applyFill(books.pool, order, { quantity: 3 });
	expect(await settleOrder(books.pool, { ...settle, status: 'OPEN', filledQuantity: 7 })).toBe('PARTIALLY_FILLED');
	expect(await settleOrder(books.pool, { ...settle, filledQuantity: 7 })).toBe('CANCELLED');
	expect(await settleOrder(books.pool, { ...settle, filledQuantity: 7 })).toBe('CANCELLED');
	expect(await tradeRow(order.tradeId)).toMatchObject({ status: 'EXECUTED', reason_code: null, reserved_capital: '0' });
});

test('an order that ended without a fill fails its trade', async () => {
	const order = await openOrder(books.pool, await makeBot(books.pool, await makeWorld(books.pool)));
	expect(
		await settleOrder(books.pool, { orderId: order.orderId, status: 'CANCELLED', filledQuantity: 0, now: after(5) }),
	).toBe('CANCELLED');
	expect(await tradeRow(order.tradeId)).toMatchObject({
		status: 'FAILED',
		reason_code: 'NOT_FILLED',
		reserved_capital: '0',
	});
});

test('a failed close alerts and is taken up again each minute, sized from what is still held, until it is done', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	const { id } = await openPosition(books.pool, bot);
	await quote(books.pool, world.instrument, { last: 95 }, start);
	const first = await submitTrade(books.pool, await queueTrade(books.pool, bot, { direction: 'CLOSE' }));
	await record(first, 'REFUSED', start, { code: '110017' });
	expect(await openAlerts('CLOSE_FAILED')).toEqual([{ subject: `position ${id}` }]);
	expect(await retryCloses(books.pool, { now: after(59) })).toBe(0);
	expect(await retryCloses(books.pool, { now: after(60) })).toBe(1);
	expect(await retryCloses(books.pool, { now: after(60) })).toBe(0);
	const second = await one<{ id: string; quantity: string }>(
		books.pool,
		`select id, quantity from trade_queue where status = 'PENDING'`,
	);
	const partial = await submitTrade(books.pool, second.id, { now: after(61) });
	await applyFill(books.pool, partial, { quantity: 6, at: after(62) });
	await settleOrder(books.pool, { orderId: partial.orderId, status: 'CANCELLED', filledQuantity: 6, now: after(63) });
	expect(await retryCloses(books.pool, { now: after(123) })).toBe(1);
	const third = await one<{ id: string; quantity: string }>(
		books.pool,
		`select id, quantity from trade_queue where status = 'PENDING'`,
	);
	expect(Number(third.quantity)).toBe(4);
	await applyFill(books.pool, await submitTrade(books.pool, third.id, { now: after(124) }), { at: after(125) });
	expect(await retryCloses(books.pool, { now: after(300) })).toBe(0);
	expect(await openAlerts('CLOSE_FAILED')).toEqual([]);
	expect(await one(books.pool, 'select status from positions where id = $1', [id])).toEqual({ status: 'CLOSED' });
});

test('orders are asked for in growing pauses, unknown ones first, each by one worker', async () => {
	const world = await makeWorld(books.pool);
	const open = await openOrder(books.pool, await makeBot(books.pool, world));
	const unknown = await submitTrade(books.pool, await queueTrade(books.pool, await makeBot(books.pool, world)));
	await record(unknown, 'UNKNOWN', start);
	const asked = async (seconds: number) =>
		(await claimUnsettledOrders(books.pool, { now: after(seconds) })).map(({ orderId }) => orderId);
	expect(await asked(0)).toEqual([]);
	expect(await asked(3)).toEqual([unknown.orderId, open.orderId]);
	expect(await asked(4.9)).toEqual([]);
	expect(await asked(5)).toEqual([unknown.orderId, open.orderId]);
	expect(await asked(8)).toEqual([]);
	expect(await asked(9)).toHaveLength(2);
	const all = await claimUnsettledOrders(books.pool, { accountId: world.accountId, now: after(9) });
	expect(all).toHaveLength(2);
});
