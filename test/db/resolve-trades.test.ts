/** A person's word on an order that the exchange does not answer for: booked once, whatever the exchange says later. */
import { expect, test } from 'vitest';
import {
	applyFills,
	recordOrderResult,
	recoverOrders,
	resolveTrade,
	retryCloses,
} from '../../src/database/functions/trades.ts';
import {
	applyFill,
	fillOf,
	openPosition,
	queueTrade,
	type SentOrder,
	submitTrade,
	workerId,
} from '../support/factories/trading.ts';
import { after, makeBot, makeWorld } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();
const order = (sent: SentOrder) => one(books.pool, 'select * from orders where id = $1', [sent.orderId]);
const trade = (sent: SentOrder) => one(books.pool, 'select * from trade_queue where id = $1', [sent.tradeId]);
const openAlerts = async () =>
	(await books.pool.query('select code from alerts where resolved_at is null order by code')).rows.map(
		({ code }) => code,
	);

async function park(sent: SentOrder): Promise<SentOrder> {
	await recordOrderResult(books.pool, { orderId: sent.orderId, workerId, result: 'UNKNOWN', now: after(10) });
	await recoverOrders(books.pool, { now: after(700) });
	expect(await trade(sent)).toMatchObject({ status: 'PARKED' });
	expect(await openAlerts()).toEqual(['ORDER_UNKNOWN']);
	return sent;
}
const parkedEntry = async () =>
	park(
		await submitTrade(books.pool, await queueTrade(books.pool, await makeBot(books.pool, await makeWorld(books.pool)))),
	);
async function parkedClose(): Promise<{ sent: SentOrder; positionId: number }> {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	const { id } = await openPosition(books.pool, bot);
	return {
		sent: await park(await submitTrade(books.pool, await queueTrade(books.pool, bot, { direction: 'CLOSE' }))),
		positionId: id,
	};
}
const resolve = (sent: SentOrder, more: Partial<Parameters<typeof resolveTrade>[1]> = {}) =>
	resolveTrade(books.pool, {
		tradeId: sent.tradeId,
		isFilled: false,
		reason: 'seen on the page of the exchange',
		actor: 'tester',
		now: after(800),
		...more,
	});

test('not filled: the order is REJECTED, the trade FAILED, its capital free and the alert gone', async () => {
	const sent = await parkedEntry();
	expect(await resolve(sent)).toBe('FAILED');
	expect(await order(sent)).toMatchObject({
		status: 'REJECTED',
		reject_code: 'RESOLVED_BY_PERSON',
		finished_at: after(800),
	});
	expect(await trade(sent)).toMatchObject({ reason_code: 'RESOLVED_BY_PERSON', reserved_capital: '0' });
	expect(await openAlerts()).toEqual([]);
	expect(
		await one(
			books.pool,
			`select actor, subject, after ->> 'reason' as reason from audit_log where action = 'trade.resolve'`,
		),
	).toEqual({
		actor: 'tester',
		subject: `trade ${sent.tradeId}`,
		reason: 'seen on the page of the exchange',
	});
});

test('a close that was not filled is decided anew after a minute', async () => {
	const { sent, positionId } = await parkedClose();
	await resolve(sent);
	expect(await retryCloses(books.pool, { now: after(859) })).toBe(0);
	expect(await retryCloses(books.pool, { now: after(860) })).toBe(1);
	expect(
		(await books.pool.query('select from trade_queue where position_id = $1 and finished_at is null', [positionId]))
			.rowCount,
	).toBe(1);
});

test('filled: position, fee and ledger are booked, and the trade EXECUTED', async () => {
	const sent = await parkedEntry();
	expect(await resolve(sent, { isFilled: true, quantity: '10', price: '101', fee: '0.5' })).toBe('EXECUTED');
	expect(await order(sent)).toMatchObject({
		status: 'FILLED',
		filled_quantity: '10',
		exchange_order_id: `person-${sent.orderId}`,
	});
	expect(await one(books.pool, 'select quantity, average_entry_price, fees, status from positions')).toEqual({
		quantity: '10',
		average_entry_price: '101',
		fees: '0.5',
		status: 'OPEN',
	});
	expect(await one(books.pool, 'select exchange_fill_id, fee_asset from fills')).toEqual({
		exchange_fill_id: `person-${sent.orderId}`,
		fee_asset: 'USDT',
	});
	expect(await openAlerts()).toEqual([]);
});

test('filled in part: the rest is CANCELLED, and a close of it goes on', async () => {
	const { sent, positionId } = await parkedClose();
	expect(await resolve(sent, { isFilled: true, quantity: '4', price: '99', exchangeOrderId: 'told-9' })).toBe(
		'EXECUTED',
	);
	expect(await order(sent)).toMatchObject({ status: 'CANCELLED', filled_quantity: '4', exchange_order_id: 'told-9' });
	expect(await one(books.pool, 'select quantity, status from positions where id = $1', [positionId])).toEqual({
		quantity: '6.000',
		status: 'OPEN',
	});
	expect(await retryCloses(books.pool, { now: after(900) })).toBe(1);
});

test.each([
	['as told', { quantity: 10, price: 101, fee: 0.5 }, []],
	['at another price', { quantity: 10, price: 102, fee: 0.5 }, ['RESOLUTION_CONTRADICTED']],
	['in another quantity', { quantity: 3, price: 101, fee: 0.5 }, ['RESOLUTION_CONTRADICTED']],
])(
	'the exchange reports the fill later, %s: it is not booked again, and a difference is told',
	async (_title, told, alerts) => {
		const sent = await parkedEntry();
		await resolve(sent, { isFilled: true, quantity: '10', price: '101', fee: '0.5' });
		const report = { accountId: sent.accountId, fills: [fillOf(sent, told)], now: after(900) };
		for (let time = 0; time < 2; time++)
			expect((await applyFills(books.pool, report))[0]).toEqual({ applied: 0, repeated: 1, foreignFills: 0 });
		expect(await one(books.pool, 'select quantity from positions')).toEqual({ quantity: '10' });
		expect(await openAlerts()).toEqual(alerts);
	},
);

test("the exchange's word counts over a person's: a fill of what was said not to stand is booked, and told", async () => {
	const sent = await parkedEntry();
	await resolve(sent);
	await applyFill(books.pool, sent, { quantity: 4, at: after(900) });
	expect(await order(sent)).toMatchObject({ status: 'PARTIALLY_FILLED', finished_at: null });
	await applyFill(books.pool, sent, { quantity: 6, at: after(901) });
	expect(await order(sent)).toMatchObject({ status: 'FILLED' });
	expect(await one(books.pool, 'select quantity from positions')).toEqual({ quantity: '10' });
	expect(await openAlerts()).toEqual(['RESOLUTION_CONTRADICTED']);
});

test('only a PARKED trade with an UNKNOWN order is for a person', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	const sent = await submitTrade(books.pool, await queueTrade(books.pool, bot));
	const refused = { code: '55000' };
	await expect(resolve(sent)).rejects.toMatchObject(refused);
	await recordOrderResult(books.pool, { orderId: sent.orderId, workerId, result: 'UNKNOWN', now: after(10) });
	await expect(resolve(sent)).rejects.toMatchObject(refused);
	await recoverOrders(books.pool, { now: after(700) });
	// The exchange has found it meanwhile: it settles by itself.
	await recordOrderResult(books.pool, {
		orderId: sent.orderId,
		workerId,
		result: 'ACKNOWLEDGED',
		exchangeOrderId: 'ex',
		now: after(701),
	});
	await expect(resolve(sent)).rejects.toMatchObject(refused);
	expect(await resolve({ ...sent, tradeId: '00000000-0000-4000-8000-000000000000' })).toBe(null);
});

test.each([
	['without figures', {}],
	['of nothing', { quantity: '0', price: '1' }],
	['of more than was ordered', { quantity: '10.001', price: '1' }],
	['at no price', { quantity: '1', price: '-1' }],
	['for a negative fee', { quantity: '1', price: '1', fee: '-1' }],
])('a fill %s is refused, and nothing is booked', async (_title, figures) => {
	const sent = await parkedEntry();
	await expect(resolve(sent, { isFilled: true, ...figures })).rejects.toMatchObject({ code: '23514' });
	expect(await trade(sent)).toMatchObject({ status: 'PARKED' });
	expect((await books.pool.query('select from fills')).rowCount).toBe(0);
});

test('resolved from two connections at once, or while the fill comes: booked once', async () => {
	for (const withFill of [false, true]) {
		const sent = await parkedEntry();
		const filled = () => resolve(sent, { isFilled: true, quantity: '10', price: '100' });
		const fill = () => applyFills(books.pool, { accountId: sent.accountId, fills: [fillOf(sent)], now: after(800) });
		await Promise.allSettled([filled(), withFill ? fill() : filled(), filled()]);
		expect(
			await one(books.pool, `select sum(quantity) as quantity from fills where order_id = $1`, [sent.orderId]),
		).toMatchObject({
			quantity: expect.stringMatching(/^10(\.0+)?$/),
		});
		await books.pool.query('update alerts set resolved_at = now() where resolved_at is null');
	}
});
