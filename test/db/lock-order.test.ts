/** Accounts, then orders, then trades: who locks an order and its trade does it in this order, from two connections at once. */
import type { PoolClient } from 'pg';
import { expect, test } from 'vitest';
import { applyFills, expireTrades, recordOrderResult, submitOrder } from '../../src/database/functions/trades.ts';
import { fillOf, queueTrade, type SentOrder, submitTrade, workerId } from '../support/factories/trading.ts';
import { after, makeBot, makeWorld } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

/** An entry that was sent, certainly not accepted, and waits for its next attempt. */
async function waitingOrder(): Promise<SentOrder> {
	const tradeId = await queueTrade(books.pool, await makeBot(books.pool, await makeWorld(books.pool)));
	const order = await submitTrade(books.pool, tradeId, { now: after(1) });
	await recordOrderResult(books.pool, { orderId: order.orderId, workerId, result: 'NOT_ACCEPTED', now: after(2) });
	return order;
}

/** Two connections, the first in a transaction; a wait for a lock that should not be ends as an error. */
async function withTwo(act: (first: PoolClient, second: PoolClient) => Promise<void>): Promise<void> {
	const [first, second] = [await books.pool.connect(), await books.pool.connect()];
	try {
		await first.query('begin');
		await second.query(`set lock_timeout = '20s'`);
		await act(first, second);
		await first.query('commit');
	} finally {
		await first.query('rollback');
		await second.query('reset lock_timeout');
		first.release();
		second.release();
	}
}

const lockOrder = (client: PoolClient, { orderId }: SentOrder) =>
	client.query('select from orders where id = $1 for update', [orderId]);
const lockTrade = (client: PoolClient, { tradeId }: SentOrder) =>
	client.query('select from trade_queue where id = $1 for update nowait', [tradeId]);

test('expiry passes over a trade whose order a fill is booked for, and the fill is booked', async () => {
	const order = await waitingOrder();
	await withTwo(async (booking, expiring) => {
		await lockOrder(booking, order);
		await expiring.query(`set lock_timeout = '1s'`);
		expect(await expireTrades(expiring, { now: after(400) })).toBe(0);
		await applyFills(booking, { accountId: order.accountId, fills: [fillOf(order)], now: after(400) });
	});
	expect(await one(books.pool, 'select status from trade_queue where id = $1', [order.tradeId])).toEqual({
		status: 'EXECUTED',
	});
});

test('expiry passes over a trade that somebody holds, and takes it the next time', async () => {
	const order = await waitingOrder();
	await withTwo(async (holding, expiring) => {
		await lockTrade(holding, order);
		await expiring.query(`set lock_timeout = '1s'`);
		expect(await expireTrades(expiring, { now: after(400) })).toBe(0);
	});
	expect(await expireTrades(books.pool, { now: after(405) })).toBe(1);
	expect(await expireTrades(books.pool, { now: after(405) })).toBe(0);
	expect(await one(books.pool, 'select status, reject_code from orders where id = $1', [order.orderId])).toEqual({
		status: 'REJECTED',
		reject_code: 'EXPIRED',
	});
});

test('a sender that waits for the order does not hold its trade meanwhile', async () => {
	const order = await waitingOrder();
	await books.pool.query(
		`update trade_queue set status = 'EXECUTING', claimed_by = $2, claimed_until = $3 where id = $1`,
		[order.tradeId, workerId, after(60)],
	);
	await withTwo(async (booking, sending) => {
		await lockOrder(booking, order);
		const { rows } = await sending.query('select pg_backend_pid() as pid');
		const sent = submitOrder(sending, { ...order, workerId, now: after(5) });
		await untilBlocked(rows[0].pid);
		await lockTrade(booking, order);
		await booking.query('commit');
		expect(await sent).toHaveLength(1);
	});
});

async function untilBlocked(pid: number): Promise<void> {
	for (;;) {
		const { rows } = await books.pool.query('select cardinality(pg_blocking_pids($1)) > 0 as blocked', [pid]);
		if (rows[0].blocked) return;
	}
}
