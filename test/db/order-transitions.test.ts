/** An order's status moves along order_transitions and no other way, whoever writes it. */
import { expect, test } from 'vitest';
import { applyFills, recordOrderResult } from '../../src/database/functions/trades.ts';
import { exchangeId, fillOf, openOrder, queueTrade, submitTrade, workerId } from '../support/factories/trading.ts';
import { after, makeBot, makeWorld } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();
const statuses = ['SUBMITTING', 'OPEN', 'PARTIALLY_FILLED', 'FILLED', 'CANCELLED', 'REJECTED', 'UNKNOWN'] as const;
/** What each status needs beside it, so that only the move itself can be refused. */
const rowOf: Readonly<Record<(typeof statuses)[number], string>> = {
	SUBMITTING: `status = 'SUBMITTING', filled_quantity = 0, average_price = null, unknown_since = null, finished_at = null`,
	OPEN: `status = 'OPEN', filled_quantity = 0, average_price = null, unknown_since = null, finished_at = null`,
	PARTIALLY_FILLED: `status = 'PARTIALLY_FILLED', filled_quantity = 1, average_price = 1, unknown_since = null, finished_at = null`,
	FILLED: `status = 'FILLED', filled_quantity = quantity, average_price = 1, unknown_since = null, finished_at = now()`,
	CANCELLED: `status = 'CANCELLED', filled_quantity = 0, average_price = null, unknown_since = null, finished_at = now()`,
	REJECTED: `status = 'REJECTED', filled_quantity = 0, average_price = null, unknown_since = null, finished_at = now()`,
	UNKNOWN: `status = 'UNKNOWN', filled_quantity = 0, average_price = null, unknown_since = now(), finished_at = null`,
};

test('of all moves exactly those of the table are possible by hand', async () => {
	const order = await openOrder(books.pool, await makeBot(books.pool, await makeWorld(books.pool)));
	const client = await books.pool.connect();
	const possible: string[] = [];
	try {
		await client.query('begin');
		for (const from of statuses) {
			for (const to of statuses.filter((status) => status !== from)) {
				await client.query('savepoint before');
				// The trigger stands aside while the row is prepared, and only then.
				await client.query(`alter table botbox.orders disable trigger order_moves_legally`);
				await client.query(`update botbox.orders set ${rowOf[from]} where id = $1`, [order.orderId]);
				await client.query(`alter table botbox.orders enable trigger order_moves_legally`);
				const refusal = await client.query(`update botbox.orders set ${rowOf[to]} where id = $1`, [order.orderId]).then(
					() => null,
					(error: { constraint?: string }) => error.constraint,
				);
				if (refusal === null) possible.push(`${from} ${to}`);
				else expect(refusal, `${from} ${to}`).toBe('order_transition_is_legal');
				await client.query('rollback to savepoint before');
			}
		}
	} finally {
		await client.query('rollback');
		client.release();
	}
	const { rows } = await books.pool.query(
		'select from_status, to_status from order_transitions where from_status is not null',
	);
	expect(possible.sort()).toEqual(rows.map((row) => `${row.from_status} ${row.to_status}`).sort());
	expect(possible).toHaveLength(16);
});

test('an order begins as SUBMITTING, or as OPEN where the exchange made it', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	const insert = (status: string, more: string) =>
		books.pool.query(
			`insert into orders (account_id, instrument_id, bot_id, purpose, exchange_order_id, side, quantity, status, unknown_since, finished_at)
			values ($1, $2, $3, 'STOP_LOSS', 'x', 'SELL', 1, $4, ${more})`,
			[bot.accountId, bot.instrumentId, bot.id, status],
		);
	await expect(insert('UNKNOWN', 'now(), null')).rejects.toMatchObject({ constraint: 'order_transition_is_legal' });
	await expect(insert('CANCELLED', 'null, now()')).rejects.toMatchObject({ constraint: 'order_transition_is_legal' });
	await insert('OPEN', 'null, null');
});

test('a refusal that comes after a fill has shown the order to stand does not end it', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	const order = await submitTrade(books.pool, await queueTrade(books.pool, bot));
	const fill = { ...fillOf(order, { quantity: 4, at: after(1) }), exchange_order_id: exchangeId(order) };
	await applyFills(books.pool, { accountId: bot.accountId, fills: [fill], now: after(1) });
	for (const result of ['REFUSED', 'NOT_ACCEPTED'])
		expect(
			await recordOrderResult(books.pool, { orderId: order.orderId, workerId, result, code: 'x', now: after(2) }),
		).toBe('PARTIALLY_FILLED');
	expect(await one(books.pool, 'select status, filled_quantity from orders')).toEqual({
		status: 'PARTIALLY_FILLED',
		filled_quantity: '4',
	});
});
