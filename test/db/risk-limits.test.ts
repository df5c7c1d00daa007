/** The limits of an account and of a bot: refused beyond the edge, allowed at it or just below, with the figures. */
import { expect, test } from 'vitest';
import { setAccountLimits, setBotLimit, setBotStatus } from '../../src/database/functions/administration.ts';
import { pauseLosingBots } from '../../src/database/functions/guards.ts';
import { claimTrades, recordOrderResult, submitOrder } from '../../src/database/functions/trades.ts';
import { checkPair, makePair } from '../support/factories/pairs.ts';
import {
	applyFill,
	decide,
	openOrder,
	openPosition,
	queueTrade,
	submitTrade,
	workerId,
} from '../support/factories/trading.ts';
import { after, type Bot, makeBot, makeInstrument, makeWorld, quote, start } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

async function limit(accountId: number, limits: Record<string, number | null>, now = start) {
	return await setAccountLimits(books.pool, { accountId, limits, actor: 'tester', now });
}

/** Reason and figures of a decision. */
async function verdictOf(decision: ReturnType<typeof decide>) {
	const { signalId } = await decision;
	const { reason_code: reason, details } = await one(books.pool, 'select * from signals where id = $1', [signalId]);
	return { reason, details };
}

const accepted = { reason: 'ACCEPTED', details: {} };

test('ORDER_TOO_LARGE above the largest notional, not at it', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world, { notional: 1_000 });
	await limit(bot.accountId, { max_order_notional: 999.99 });
	expect(await verdictOf(decide(books.pool, bot))).toEqual({
		reason: 'ORDER_TOO_LARGE',
		details: { notional: 1_000, max_order_notional: 999.99 },
	});
	await limit(bot.accountId, { max_order_notional: 1_000 });
	expect(await verdictOf(decide(books.pool, bot))).toEqual(accepted);
});

test('INSTRUMENT_EXPOSURE counts long and short of all bots, open and queued, at the last price', async () => {
	const world = await makeWorld(books.pool, { account: { capital: 100_000 } });
	const holder = await makeBot(books.pool, world);
	const waiting = await makeBot(books.pool, world);
	const bot = await makeBot(books.pool, world);
	const elsewhere = await makeBot(books.pool, world, { instrument: await makeInstrument(books.pool) });
	await openPosition(books.pool, holder);
	await queueTrade(books.pool, waiting, { direction: 'SHORT' });
	await openPosition(books.pool, elsewhere);
	await quote(books.pool, world.instrument, { last: 110 }, start);
	// 1,000 held at a price 10% higher, 1,000 queued, 1,000 more.
	await limit(bot.accountId, { max_instrument_exposure: 3_099.999 });
	expect(await verdictOf(decide(books.pool, bot))).toEqual({
		reason: 'INSTRUMENT_EXPOSURE',
		details: { held: 2_100, notional: 1_000, max_instrument_exposure: 3_099.999 },
	});
	await limit(bot.accountId, { max_instrument_exposure: 3_100 });
	expect(await verdictOf(decide(books.pool, bot))).toEqual(accepted);
});

test('TOTAL_EXPOSURE counts an order that is filled in part once, and contracts by their size', async () => {
	const world = await makeWorld(books.pool, {
		account: { capital: 100_000 },
		instrument: { contractSize: '0.1', lotSize: '1', minimumQuantity: '1' },
	});
	const partly = await makeBot(books.pool, world);
	const order = await openOrder(books.pool, partly);
	await applyFill(books.pool, order, { quantity: 40 });
	const bot = await makeBot(books.pool, world, { instrument: await makeInstrument(books.pool) });
	await limit(bot.accountId, { max_total_exposure: 1_999 });
	expect(await verdictOf(decide(books.pool, bot))).toEqual({
		reason: 'TOTAL_EXPOSURE',
		details: { held: 1_000, notional: 1_000, max_total_exposure: 1_999 },
	});
	await limit(bot.accountId, { max_total_exposure: 2_000 });
	expect(await verdictOf(decide(books.pool, bot))).toEqual(accepted);
});

test('both legs of a pair count: one that does not fit takes the other with it', async () => {
	const pair = await makePair(books.pool, { account: { capital: 100_000 } });
	await limit(pair.accountId, { max_total_exposure: 1_500 });
	const refused = async (now: Date) => {
		await checkPair(books.pool, pair, now, { decision: 'LONG', prices: [100, 100] });
		const { rows } = await books.pool.query(
			'select reason_code, details from signals where created_at = $1 order by instrument_id = $2 desc',
			[now, pair.instrumentId],
		);
		return rows;
	};
	expect(await refused(after(300))).toMatchObject([
		{ reason_code: 'OTHER_LEG_REFUSED' },
		{ reason_code: 'TOTAL_EXPOSURE', details: { held: 1_000, notional: 1_000, max_total_exposure: 1_500 } },
	]);
	await limit(pair.accountId, { max_total_exposure: 2_000 });
	expect(await refused(after(600))).toMatchObject([{ reason_code: 'ACCEPTED' }, { reason_code: 'ACCEPTED' }]);
});

test('ENTRY_RATE_LIMIT within any minute, whatever became of the entries; closes do not count', async () => {
	const world = await makeWorld(books.pool, { account: { capital: 100_000 } });
	const [first, second, third] = [0, 1, 2].map(() => makeBot(books.pool, world));
	await limit(world.accountId, { max_entries_per_minute: 2 });
	await openPosition(books.pool, await first!, { now: start });
	await queueTrade(books.pool, await first!, { direction: 'CLOSE', now: after(1) });
	await queueTrade(books.pool, await second!, { now: after(30) });
	expect(await verdictOf(decide(books.pool, await third!, { now: after(59) }))).toEqual({
		reason: 'ENTRY_RATE_LIMIT',
		details: { entries: 2, max_entries_per_minute: 2 },
	});
	expect(await verdictOf(decide(books.pool, await third!, { now: after(60) }))).toEqual(accepted);
});

test('BOT_POSITION_LIMIT over the lots of one bot; the other bots do not count', async () => {
	const world = await makeWorld(books.pool, { account: { capital: 100_000 }, version: { maxLots: 5 } });
	const bot = await makeBot(books.pool, world);
	await openPosition(books.pool, await makeBot(books.pool, world));
	await openPosition(books.pool, bot);
	const limitTo = (maxPositionNotional: number) =>
		setBotLimit(books.pool, { botId: bot.id, maxPositionNotional, actor: 'tester', now: start });
	expect(await limitTo(2_999)).toBe(true);
	const ask = () => decide(books.pool, bot, { lots: 2, candleAt: after(300) });
	expect(await verdictOf(ask())).toEqual({
		reason: 'BOT_POSITION_LIMIT',
		details: { held: 1_000, notional: 2_000, max_position_notional: 2_999 },
	});
	await limitTo(3_000);
	expect(await verdictOf(ask())).toEqual(accepted);
	expect(await setBotLimit(books.pool, { botId: 999_999, maxPositionNotional: 1 })).toBe(false);
	await expect(limitTo(0)).rejects.toThrow(/max_position_notional_is_positive/);
	const { rows } = await books.pool.query(
		`select actor, before, after from audit_log where action = 'bot.limit' order by id`,
	);
	expect(rows).toEqual([
		{ actor: 'tester', before: { max_position_notional: null }, after: { max_position_notional: 2_999 } },
		{ actor: 'tester', before: { max_position_notional: 2_999 }, after: { max_position_notional: 3_000 } },
	]);
});

/** Opens and closes a position with this profit per unit of 10. */
async function round(bot: Bot, seconds: number, exitPrice: number): Promise<void> {
	await openPosition(books.pool, bot, { now: after(seconds), price: 100 });
	const close = await openOrder(books.pool, bot, { direction: 'CLOSE', price: exitPrice, now: after(seconds + 10) });
	await applyFill(books.pool, close, { price: exitPrice, at: after(seconds + 10) });
}

test('LOSS_COOLDOWN after a loss, for the bot that lost, until it is over; not after a win', async () => {
	const world = await makeWorld(books.pool, { account: { capital: 100_000 } });
	const bot = await makeBot(books.pool, world);
	const other = await makeBot(books.pool, world);
	await limit(world.accountId, { loss_cooldown_minutes: 5 });
	await round(bot, 0, 101);
	await round(bot, 60, 99);
	expect(await verdictOf(decide(books.pool, bot, { now: after(369) }))).toEqual({
		reason: 'LOSS_COOLDOWN',
		details: {
			lost: 10,
			lost_at: expect.stringMatching(/12:01:10/),
			until: expect.stringMatching(/12:06:10/),
			loss_cooldown_minutes: 5,
		},
	});
	expect(await verdictOf(decide(books.pool, other, { now: after(369) }))).toEqual(accepted);
	expect(await verdictOf(decide(books.pool, bot, { now: after(370) }))).toEqual(accepted);
});

test('LOSING_STREAK: refused at once, paused by rule, and going on only when a person resumes the bot', async () => {
	const world = await makeWorld(books.pool, { account: { capital: 100_000 } });
	const bot = await makeBot(books.pool, world);
	await limit(world.accountId, { max_losing_streak: 2 });
	await round(bot, 0, 99);
	await round(bot, 60, 101);
	await round(bot, 120, 99);
	expect(await pauseLosingBots(books.pool, { now: after(140) })).toBe(0);
	await round(bot, 180, 99.5);
	expect(await verdictOf(decide(books.pool, bot, { now: after(200) }))).toEqual({
		reason: 'LOSING_STREAK',
		details: { losses: 2, max_losing_streak: 2 },
	});
	expect(await pauseLosingBots(books.pool, { now: after(201) })).toBe(1);
	expect(await pauseLosingBots(books.pool, { now: after(202) })).toBe(0);
	expect(await one(books.pool, 'select status, status_reason from bots where id = $1', [bot.id])).toEqual({
		status: 'PAUSED',
		status_reason: 'lost 2 positions in a row, the limit is 2',
	});
	const alert = `select severity, message, resolved_at is null as open from alerts where code = 'BOT_PAUSED'`;
	expect(await one(books.pool, alert)).toMatchObject({
		severity: 'WARNING',
		message: expect.stringContaining('after 2 losing positions in a row; the last lost 5 USDT'),
		open: true,
	});
	await setBotStatus(books.pool, { botId: bot.id, status: 'ACTIVE', actor: 'tester', now: after(300) });
	expect(await one(books.pool, alert)).toMatchObject({ open: false });
	expect(await pauseLosingBots(books.pool, { now: after(301) })).toBe(0);
	await round(bot, 310, 99);
	expect(await verdictOf(decide(books.pool, bot, { now: after(330) }))).toEqual(accepted);
});

test('the legs of a pair are one position: what one loses and the other wins is no loss', async () => {
	const world = await makeWorld(books.pool, { account: { capital: 100_000 } });
	const bot = await makeBot(books.pool, world);
	const held = async (instrumentId: number, direction: string, pnl: number) =>
		await books.pool.query(
			`insert into positions (bot_id, account_id, instrument_id, direction, status, quantity, entered_quantity, exited_quantity,
			average_entry_price, average_exit_price, realised_pnl, opened_at, closed_at)
			values ($1, $2, $3, $4, 'CLOSED', 0, 1, 1, 100, 100, $5, $6, $7)`,
			[bot.id, bot.accountId, instrumentId, direction, pnl, after(0), after(60)],
		);
	await limit(world.accountId, { max_losing_streak: 1 });
	await held((await makeInstrument(books.pool)).id, 'SHORT', 21);
	await held(bot.instrumentId, 'LONG', -20);
	expect(await verdictOf(decide(books.pool, bot, { now: after(61) }))).toEqual(accepted);
});

test('PRICE_DEVIATION: an entry is not sent when its price has gone too far, either way; a close always is', async () => {
	const world = await makeWorld(books.pool, { account: { capital: 100_000 } });
	await limit(world.accountId, { max_price_deviation: 0.01 });
	const sending = async (direction: 'LONG' | 'SHORT', prices: { bid: number; ask: number }, at: number) => {
		const bot = await makeBot(books.pool, world);
		const tradeId = await queueTrade(books.pool, bot, { direction, now: after(at) });
		await quote(books.pool, world.instrument, { ...prices, last: 100 }, after(at));
		await claimTrades(books.pool, { workerId, limit: 1_000, now: after(at) });
		const rows = await submitOrder(books.pool, { tradeId, workerId, clientOrderId: `d-${at}`, now: after(at) });
		const trade = await one(
			books.pool,
			'select status, reason_code, error, reserved_capital from trade_queue where id = $1',
			[tradeId],
		);
		return { sent: rows.length, ...trade };
	};
	// Buying pays the ask, selling gets the bid; what the other side does is no matter.
	expect(await sending('LONG', { bid: 98, ask: 101 }, 1)).toMatchObject({ sent: 1, status: 'EXECUTING' });
	expect(await sending('LONG', { bid: 99, ask: 101.01 }, 2)).toEqual({
		sent: 0,
		status: 'CANCELLED',
		reason_code: 'PRICE_DEVIATION',
		error: "the price is 101.01, the signal's was 100: 1.010% away, the limit is 1%",
		reserved_capital: '0',
	});
	expect(await sending('LONG', { bid: 98, ask: 98.99 }, 3)).toMatchObject({ reason_code: 'PRICE_DEVIATION' });
	expect(await sending('SHORT', { bid: 99, ask: 103 }, 4)).toMatchObject({ sent: 1 });
	expect(await sending('SHORT', { bid: 98.99, ask: 99.5 }, 5)).toMatchObject({ reason_code: 'PRICE_DEVIATION' });
	expect((await books.pool.query(`select from orders where client_order_id in ('d-2', 'd-3', 'd-5')`)).rowCount).toBe(
		0,
	);

	// One that the exchange did not take is looked at again before it is sent again, and its order ends with it.
	const again = await makeBot(books.pool, world);
	await quote(books.pool, world.instrument, { bid: 99.9, ask: 100, last: 100 }, after(6));
	const retried = await submitTrade(books.pool, await queueTrade(books.pool, again, { now: after(6) }), {
		now: after(6),
	});
	await recordOrderResult(books.pool, { orderId: retried.orderId, workerId, result: 'NOT_ACCEPTED', now: after(6) });
	await quote(books.pool, world.instrument, { bid: 105, ask: 105.1, last: 105 }, after(8));
	await claimTrades(books.pool, { workerId, limit: 1_000, now: after(8) });
	const { tradeId: retriedId, clientOrderId } = retried;
	expect(await submitOrder(books.pool, { tradeId: retriedId, workerId, clientOrderId, now: after(8) })).toEqual([]);
	expect(
		await one(
			books.pool,
			'select t.status, t.reason_code, o.status as order_status, o.reject_code from trade_queue t join orders o on o.trade_id = t.id where t.id = $1',
			[retriedId],
		),
	).toEqual({
		status: 'CANCELLED',
		reason_code: 'PRICE_DEVIATION',
		order_status: 'REJECTED',
		reject_code: 'PRICE_DEVIATION',
	});

	// Without a fresh price an entry waits.
	const bot = await makeBot(books.pool, world);
	const tradeId = await queueTrade(books.pool, bot, { now: after(24) });
	await claimTrades(books.pool, { workerId, limit: 1_000, now: after(24) });
	expect(await submitOrder(books.pool, { tradeId, workerId, clientOrderId: 'stale', now: after(24) })).toEqual([]);
	expect(await one(books.pool, 'select status from trade_queue where id = $1', [tradeId])).toEqual({
		status: 'EXECUTING',
	});

	await limit(world.accountId, { max_price_deviation: null });
	const { order } = await openPosition(books.pool, await makeBot(books.pool, world), { now: after(25) });
	await limit(world.accountId, { max_price_deviation: 0.01 });
	await quote(books.pool, world.instrument, { bid: 50, ask: 50.1, last: 50 }, after(30));
	const { rows } = await books.pool.query(
		'select bot_id as id, instrument_id as "instrumentId", account_id as "accountId" from orders where id = $1',
		[order.orderId],
	);
	expect(await openOrder(books.pool, rows[0], { direction: 'CLOSE', now: after(30) })).toMatchObject({ side: 'SELL' });
});

test('limits are set by name, answered whole and audited with what changed; wrong ones are refused and change nothing', async () => {
	const { accountId } = await makeWorld(books.pool);
	expect(await limit(accountId, { max_positions: 100, daily_loss_limit: 250.5 })).toMatchObject({
		max_positions: 100,
		daily_loss_limit: 250.5,
		max_drawdown: null,
	});
	const audit = async () =>
		(
			await books.pool.query(
				`select actor, before, after from audit_log where action = 'account.limits' and actor = 'tester'`,
			)
		).rows;
	// The same value again is no change.
	expect(await audit()).toEqual([
		{ actor: 'tester', before: { daily_loss_limit: null }, after: { daily_loss_limit: 250.5 } },
	]);
	await limit(accountId, { daily_loss_limit: 250.5 });
	for (const [wrong, says] of [
		[{ max_total_exposure: -1 }, /max_total_exposure: expected a number from 0/],
		[{ max_drawdown: 1.5 }, /max_drawdown_is_a_share/],
		[{ daily_loss_limit: 0 }, /daily_loss_limit_is_positive/],
		[{ max_positions: null }, /max_positions: cannot be without a value/],
		[{ max_fun: 3 }, /max_fun: there is no such limit/],
		[{ max_order_notional: 'NaN' as unknown as number }, /max_order_notional: expected a number/],
	] as const)
		await expect(limit(accountId, { max_entries_per_minute: 3, ...wrong })).rejects.toThrow(says);
	expect(await audit()).toHaveLength(1);
	expect(await setAccountLimits(books.pool, { accountId: 999_999, limits: {} })).toBeNull();
});
