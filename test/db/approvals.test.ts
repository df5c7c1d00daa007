/** Bots that ask before they enter: entries wait for a person's word until their time is over, closes never do. */
import { expect, test } from 'vitest';
import { changeBot, createBot } from '../../src/database/functions/administration.ts';
import { monitorHealth, pauseEntries, resumeEntries } from '../../src/database/functions/guards.ts';
import {
	approveTrade,
	claimTrades,
	expireTrades,
	flattenPositions,
	queueExits,
	rejectTrade,
	releaseTrades,
	submitOrder,
} from '../../src/database/functions/trades.ts';
import { checkPair, makePair, tradesOf } from '../support/factories/pairs.ts';
import {
	acknowledge,
	applyFill,
	decide,
	openPosition,
	queueTrade,
	submitTrade,
	workerId,
} from '../support/factories/trading.ts';
import { after, type Bot, makeBot, makeWorld, quote, start, type World } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();
const actor = 'ann';

const asking = (world: World, options: Parameters<typeof makeBot>[2] = {}): Promise<Bot> =>
	makeBot(books.pool, world, { execution: 'CONFIRM', ...options });
const trade = (id: string) => one(books.pool, 'select * from trade_queue where id = $1', [id]);
const approval = (id: string) => one(books.pool, 'select * from trade_approvals where trade_id = $1', [id]);
const approve = (tradeId: string, now = after(10)) => approveTrade(books.pool, { tradeId, actor, now });
const reject = (tradeId: string, now = after(10)) =>
	rejectTrade(books.pool, { tradeId, actor, reason: 'news at noon', now });
async function claim(now = after(20)): Promise<string[]> {
	const claimed = await claimTrades(books.pool, { workerId, limit: 100, now });
	return claimed.map(({ tradeId }) => tradeId).toSorted();
}
/** Waits for whoever was refused a moment ago: PostgreSQL says so before it lets go of the rows, and rows that are held are passed over. */
const letGo = (id: string) => books.pool.query('select from trade_queue where id = $1 for update', [id]);
const openAlerts = async (): Promise<string[]> =>
	(
		await books.pool.query<{ subject: string }>(
			`select subject from alerts where code = 'APPROVAL_NEEDED' and resolved_at is null order by subject`,
		)
	).rows.map(({ subject }) => subject);

test('an entry is sent only once it was approved, and the audit log says by whom', async () => {
	const world = await makeWorld(books.pool);
	const id = await queueTrade(books.pool, await asking(world));
	expect(await claim()).toEqual([]);
	expect(await approval(id)).toMatchObject({ decision: null, requested_at: start });
	// Its capital is reserved while it waits.
	expect(Number((await trade(id)).reserved_capital)).toBeGreaterThan(1_000);

	expect(await approveTrade(books.pool, { tradeId: id, actor, reason: 'looks right', now: after(10) })).toBe(1);
	expect(await approval(id)).toMatchObject({
		decision: 'APPROVED',
		decided_by: actor,
		decided_at: after(10),
		reason: 'looks right',
	});
	expect(await claim()).toEqual([id]);
	expect(await claim()).toEqual([]);
	const logged = await one(books.pool, `select * from audit_log where action = 'trade.approve' and subject = $1`, [
		`trade ${id}`,
	]);
	expect(logged).toMatchObject({ actor, after: { decision: 'APPROVED', reason: 'looks right' } });
});

test('who waits for trades hears of an approval at once, and who watches the page finds it among the events', async () => {
	const world = await makeWorld(books.pool);
	const id = await queueTrade(books.pool, await asking(world));
	const before = await one(books.pool, 'select coalesce(max(id), 0) as id from events');
	const client = await books.pool.connect();
	try {
		const heard: string[] = [];
		client.on('notification', ({ channel, payload }) => heard.push(`${channel} ${payload}`));
		await client.query('listen botbox_trades');
		await approve(id);
		await expect.poll(() => heard, { timeout: 20_000 }).toEqual([`botbox_trades ${id}`]);
	} finally {
		await client.query('unlisten *');
		client.release();
	}
	const { rows } = await books.pool.query('select topic, keys from events where id > $1', [before.id]);
	expect(rows).toEqual([{ topic: 'trades', keys: [id] }]);
});

test('of several persons who decide at once one is first, and the others are told', async () => {
	const world = await makeWorld(books.pool);
	const id = await queueTrade(books.pool, await asking(world));
	const words = await Promise.allSettled(Array.from({ length: 6 }, () => approve(id)));
	expect(words.filter(({ status }) => status === 'fulfilled')).toEqual([{ status: 'fulfilled', value: 1 }]);
	for (const word of words)
		if (word.status === 'rejected') expect(word.reason).toMatchObject({ code: '55000', message: /approved by ann/ });
	const lines = await one(books.pool, 'select count(*)::int as n from audit_log where subject = $1', [`trade ${id}`]);
	expect(lines.n).toBe(1);
	await letGo(id);
	expect(await claim()).toEqual([id]);
});

test('yes and no at once: whatever wins, the entry is either to be sent or gone', async () => {
	const world = await makeWorld(books.pool, { account: { capital: 1_000_000 } });
	for (let round = 0; round < 8; round++) {
		const id = await queueTrade(books.pool, await asking(world));
		const [yes, no] = await Promise.allSettled([approve(id), reject(id)]);
		// A no that comes second still holds, since nothing was sent; a yes after a no is refused.
		expect(no.status).toBe('fulfilled');
		if (yes.status === 'rejected') expect(yes.reason).toMatchObject({ code: '55000' });
		expect(await approval(id)).toMatchObject({ decision: 'REJECTED' });
		expect(await trade(id)).toMatchObject({ status: 'CANCELLED', reason_code: 'REJECTED_BY_PERSON' });
		expect(await claim()).toEqual([]);
	}
});

test('a rejected entry is CANCELLED, its capital free; the next candle may ask again', async () => {
	const world = await makeWorld(books.pool);
	const bot = await asking(world);
	const id = await queueTrade(books.pool, bot);
	expect(await reject(id)).toBe(1);
	expect(await trade(id)).toMatchObject({
		status: 'CANCELLED',
		reason_code: 'REJECTED_BY_PERSON',
		reserved_capital: '0',
		finished_at: after(10),
	});
	expect(await approval(id)).toMatchObject({ decision: 'REJECTED', decided_by: actor, reason: 'news at noon' });
	expect(await claim()).toEqual([]);
	await expect(approve(id)).rejects.toMatchObject({ code: '55000' });
	await expect(reject(id)).rejects.toMatchObject({ code: '55000' });
	expect(await decide(books.pool, bot, { now: after(15), candleAt: start })).toMatchObject({ outcome: 'REPEATED' });
	expect(await decide(books.pool, bot, { now: after(300) })).toMatchObject({ outcome: 'QUEUED' });
});

test('a no counts until something was sent, also after a yes and while a worker holds the trade', async () => {
	const world = await makeWorld(books.pool);
	const [held, sent] = [
		await queueTrade(books.pool, await asking(world)),
		await queueTrade(books.pool, await asking(world)),
	];
	for (const id of [held, sent]) await approve(id);
	expect(await claim()).toEqual([held, sent].toSorted());
	await submitOrder(books.pool, {
		tradeId: sent,
		workerId,
		clientOrderId: `order-of-${sent.slice(0, 8)}`,
		now: after(21),
	});
	expect(await reject(held, after(22))).toBe(1);
	const order = { tradeId: held, workerId, clientOrderId: `order-of-${held.slice(0, 8)}`, now: after(23) };
	expect(await submitOrder(books.pool, order)).toEqual([]);
	await expect(reject(sent, after(22))).rejects.toMatchObject({ code: '55000', message: /may have been sent/ });
	expect(await trade(sent)).toMatchObject({ status: 'EXECUTING' });
});

test('without a word an entry expires after its five minutes as NOT_APPROVED, and cannot be approved any more', async () => {
	const world = await makeWorld(books.pool);
	const [silent, approved] = [
		await queueTrade(books.pool, await asking(world)),
		await queueTrade(books.pool, await asking(world)),
	];
	await approve(approved, after(299));
	expect(await expireTrades(books.pool, { now: after(299) })).toBe(0);
	await expect(approve(silent, after(300))).rejects.toMatchObject({ code: '55000', message: /until 12:05:00 UTC/ });
	await letGo(silent);
	expect(await expireTrades(books.pool, { now: after(300) })).toBe(2);
	expect(await trade(silent)).toMatchObject({ status: 'EXPIRED', reason_code: 'NOT_APPROVED', reserved_capital: '0' });
	// Approved in time and not sent in time is another matter.
	expect(await trade(approved)).toMatchObject({ status: 'EXPIRED', reason_code: 'TTL_EXPIRED' });
	const states = await books.pool.query('select trade_id, state from reporting.approvals where bot_id > 0');
	const stateOf = new Map(states.rows.map(({ trade_id, state }) => [trade_id, state]));
	expect([stateOf.get(silent), stateOf.get(approved)]).toEqual(['EXPIRED', 'APPROVED']);
});

test('closes of such a bot ask nobody: its strategy, its stops, a person who flattens', async () => {
	const world = await makeWorld(books.pool);
	const bots = [
		await makeBot(books.pool, world),
		await makeBot(books.pool, world),
		await makeBot(books.pool, world),
	] as const;
	const [strategy, stopped, flattened] = bots;
	for (const bot of bots) {
		await openPosition(books.pool, bot, bot === stopped ? { stopLossFraction: 0.05 } : {});
		await changeBot(books.pool, { botId: bot.id, changes: { execution: 'CONFIRM' }, now: start });
	}
	const close = await queueTrade(books.pool, strategy, { direction: 'CLOSE', now: after(30) });
	await flattenPositions(books.pool, { scope: 'BOT', botId: flattened.id, actor, now: after(30) });
	await quote(books.pool, world.instrument, { bid: 90, ask: 91, last: 90 }, after(30));
	expect(await queueExits(books.pool, { now: after(30) })).toBe(1);
	const { rows } = await books.pool.query(
		`select t.id, t.trigger_reason from trade_queue t where t.direction = 'CLOSE' and t.bot_id = any ($1) order by t.bot_id`,
		[bots.map(({ id }) => id)],
	);
	expect(rows.map((row) => row.trigger_reason)).toEqual(['EXIT_THRESHOLD', 'STOP_LOSS', 'FLATTEN']);
	expect(await claim(after(31))).toEqual(rows.map(({ id }) => id).toSorted());
	expect(rows.map(({ id }) => id)).toContain(close);
	const asked = await one(books.pool, 'select count(*)::int as n from trade_approvals where trade_id = any ($1)', [
		rows.map(({ id }) => id),
	]);
	expect(asked.n).toBe(0);
});

test('an approval overrides nothing: pauses and the state of the account are looked at when it is sent', async () => {
	const world = await makeWorld(books.pool);
	const id = await queueTrade(books.pool, await asking(world));
	await pauseEntries(books.pool, { scope: 'ACCOUNT', accountId: world.accountId, reason: 'drill', now: start });
	await approve(id);
	expect(await claim()).toEqual([]);
	await resumeEntries(books.pool, { scope: 'ACCOUNT', accountId: world.accountId, now: after(20) });
	expect(await claim()).toEqual([id]);
});

test('both legs of a pair are decided by one word', async () => {
	for (const word of ['yes', 'no'] as const) {
		const pair = await makePair(books.pool);
		await changeBot(books.pool, { botId: pair.id, changes: { execution: 'CONFIRM' }, now: start });
		await checkPair(books.pool, pair, after(300), { decision: 'LONG' });
		const ids = (await tradesOf(books.pool, pair)).map(({ id }) => String(id));
		expect(ids).toHaveLength(2);
		const mine = async () => (await claim(after(320))).filter((id) => ids.includes(id));
		expect(await mine()).toEqual([]);
		expect(await (word === 'yes' ? approve : reject)(ids[1]!, after(310))).toBe(2);
		expect(await mine()).toEqual(word === 'yes' ? ids.toSorted() : []);
	}
});

test('a bot that begins to ask asks about what waits; one that stops asking still does about what was asked', async () => {
	const world = await makeWorld(books.pool);
	const bots = [await makeBot(books.pool, world), await asking(world)] as const;
	const ids = [await queueTrade(books.pool, bots[0]), await queueTrade(books.pool, bots[1])] as const;
	await changeBot(books.pool, { botId: bots[0].id, changes: { execution: 'CONFIRM' }, actor, now: start });
	await changeBot(books.pool, { botId: bots[1].id, changes: { execution: 'AUTO' }, actor, now: start });
	expect(await claim()).toEqual([]);
	for (const id of ids) await approve(id);
	expect(await claim()).toEqual([...ids].toSorted());
	const line = await one(books.pool, `select * from audit_log where action = 'bot.change' and subject = $1`, [
		`bot ${bots[0].id}`,
	]);
	expect(line).toMatchObject({ before: { execution: 'AUTO' }, after: { execution: 'CONFIRM' } });
});

test('trades that nobody is asked about are not there to approve or reject', async () => {
	const world = await makeWorld(books.pool);
	const id = await queueTrade(books.pool, await makeBot(books.pool, world));
	expect(await approve(id)).toBeNull();
	expect(await reject(id)).toBeNull();
	expect(await approve('00000000-0000-4000-8000-000000000000')).toBeNull();
	expect(await claim()).toEqual([id]);
});

test('somebody is told of each entry that waits, once, until it is decided or over', async () => {
	const world = await makeWorld(books.pool);
	const [first, second] = [
		await queueTrade(books.pool, await asking(world)),
		await queueTrade(books.pool, await asking(world)),
	];
	await monitorHealth(books.pool, { now: after(5) });
	expect(await openAlerts()).toEqual([`trade ${first}`, `trade ${second}`].toSorted());
	await approve(first);
	expect(await openAlerts()).toEqual([`trade ${second}`]);
	await monitorHealth(books.pool, { now: after(301) });
	expect(await openAlerts()).toEqual([]);
});

test('the view has what a person decides by', async () => {
	const world = await makeWorld(books.pool, { instrument: { contractSize: '0.5' } });
	const bot = await asking(world, { leverage: 2 });
	const id = await queueTrade(books.pool, bot, { price: 100, stopLossFraction: 0.1 });
	await quote(books.pool, world.instrument, { bid: 100, ask: 102, last: 101 }, after(5));
	expect(await one(books.pool, 'select * from reporting.approvals where trade_id = $1', [id])).toMatchObject({
		bot_id: bot.id,
		direction: 'LONG',
		quantity: '20.000',
		signal_price: '100',
		leverage: '2',
		stop_loss_price: '90.00',
		last_price: '101',
		trade_status: 'PENDING',
	});
	const [figures] = (
		await books.pool.query('select notional, price_change from reporting.approvals where trade_id = $1', [id])
	).rows;
	expect([Number(figures.notional), Number(figures.price_change)]).toEqual([1_000, 0.01]);
});

test('a bot is made with its way to trade', async () => {
	const world = await makeWorld(books.pool);
	const id = await createBot(books.pool, {
		name: 'asks',
		strategyVersionId: world.versionId,
		accountId: world.accountId,
		instrumentId: world.instrument.id,
		intervalMinutes: 5,
		sizing: 'FIXED_NOTIONAL',
		sizingValue: 100,
		execution: 'CONFIRM',
		now: start,
	});
	expect(await one(books.pool, 'select execution from bots where id = $1', [id])).toEqual({ execution: 'CONFIRM' });
	await expect(
		changeBot(books.pool, { botId: id, changes: { execution: 'SOMETIMES' }, now: start }),
	).rejects.toMatchObject({ code: '22P02' });
});

test('what a person did not want is no signal that the system failed to catch: counted apart, and no part of the rate', async () => {
	const world = await makeWorld(books.pool);
	// The view looks back from the present.
	const now = new Date(Date.now() - 3_600_000);
	const at = (seconds: number) => new Date(now.getTime() + seconds * 1_000);
	const entries: string[] = [];
	for (const execution of ['CONFIRM', 'CONFIRM', 'CONFIRM', 'AUTO', 'AUTO', 'AUTO'] as const) {
		const bot = await makeBot(books.pool, { ...world, ...(await makeWorld(books.pool)) }, { execution });
		entries.push(await queueTrade(books.pool, bot, { now, candleAt: now }));
	}
	const [refused, unanswered, , filled, expired] = entries as [string, string, string, string, string];
	await reject(refused, at(10));
	const order = await submitTrade(books.pool, filled, { now: at(20) });
	await acknowledge(books.pool, order, at(20));
	await applyFill(books.pool, order, { at: at(21) });
	const summed = () =>
		one(
			books.pool,
			`select sum(accepted)::int as accepted, sum(executed)::int as executed, sum(waiting)::int as waiting, sum(expired)::int as expired,
			        sum(cancelled)::int as cancelled, sum(failed)::int as failed, sum(refused_by_person)::int as refused, max(capture_rate) as rate
			   from reporting.signal_capture`,
		);
	expect(await summed()).toEqual({
		...{ accepted: 6, executed: 1, waiting: 4, expired: 0, cancelled: 1, failed: 0, refused: 1, rate: 1 },
	});
	// The others' time is over: one for want of a word, one for want of being sent.
	await releaseTrades(books.pool, { tradeIds: [expired], workerId, now: at(30) });
	await books.pool.query('update trade_queue set expires_at = $2 where id = any ($1)', [[unanswered, expired], at(60)]);
	await expireTrades(books.pool, { now: at(60) });
	expect(await summed()).toMatchObject({ executed: 1, expired: 2, cancelled: 1, refused: 2, rate: 0.5 });
});
