/** What the operator's commands print: flatten without a worker, trades, breakers. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordOrderResult, recoverOrders } from '../../src/database/functions/trades.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { openPosition, queueTrade, submitTrade, workerId } from '../support/factories/trading.ts';
import { after, makeBot, makeWorld, quote } from '../support/factories/world.ts';
import { runCommand } from './command.ts';

let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());
const say = (...args: readonly string[]) => runCommand(args, { DATABASE_URL: database.url });

test('flatten without a worker queues, does not wait, says why, and exits 1', async () => {
	const world = await makeWorld(database.pool);
	const bot = await makeBot(database.pool, world);
	const { id } = await openPosition(database.pool, bot);
	const result = await say('flatten', '--bot', String(bot.id), '--reason', 'test');
	expect(result.code).toBe(1);
	expect(result.stderr).toBe('botbox: 1 of 1 positions are still open; entries stay paused\n');
	expect(result.stdout).toContain(
		`position ${id}: no worker with role execute is heard: it is closed when one is started\n`,
	);
	const again = await say('flatten', '--bot', String(bot.id), '--json');
	expect(JSON.parse(again.stdout)).toMatchObject({ is_flat: false, positions: [{ position_id: id, state: 'OPEN' }] });
	const { rows } = await database.pool.query(
		`select trigger_reason, status from botbox.trade_queue where position_id = $1`,
		[id],
	);
	expect(rows).toEqual([{ trigger_reason: 'FLATTEN', status: 'PENDING' }]);
});

test('a parked trade is listed with its ids and resolved; a second time it is refused', async () => {
	const bot = await makeBot(database.pool, await makeWorld(database.pool));
	const order = await submitTrade(database.pool, await queueTrade(database.pool, bot));
	await recordOrderResult(database.pool, { orderId: order.orderId, workerId, result: 'UNKNOWN', now: after(1) });
	await recoverOrders(database.pool, { now: after(700) });
	const listed = await say('trades', 'list', '--status', 'parked');
	expect(listed.stdout).toContain(`${order.tradeId}  PARKED`);
	expect(listed.stdout).toContain(order.clientOrderId);
	expect(JSON.parse((await say('trades', 'list', '--status', 'PARKED', '--json')).stdout)).toMatchObject([
		{ trade_id: order.tradeId, order_status: 'UNKNOWN' },
	]);
	const resolve = ['trades', 'resolve', order.tradeId, '--as', 'filled', '--reason', 'seen', '--quantity'];
	expect(await say(...resolve, '10.5', '--price', '100')).toMatchObject({ code: 2, stdout: '' });
	expect(await say(...resolve, '10', '--price', '100')).toEqual({
		code: 0,
		stdout: `trade ${order.tradeId} is EXECUTED\n`,
		stderr: '',
	});
	const again = await say(...resolve, '10', '--price', '100');
	expect(again).toMatchObject({
		code: 1,
		stdout: '',
		stderr: expect.stringMatching(/only a PARKED trade with an UNKNOWN order/),
	});
	expect(JSON.parse((await say('trades', 'list', '--status', 'PARKED', '--json')).stdout)).toEqual([]);
});

test('a breaker is opened, listed and reset', async () => {
	const world = await makeWorld(database.pool);
	await makeBot(database.pool, world);
	await quote(database.pool, world.instrument, { bid: 99, ask: 101, last: 100 }, new Date());
	expect((await say('breaker', 'open', 'sim', '--reason', 'rumours', '--for', '10m')).stdout).toMatch(
		/^the breaker of sim is OPEN until 20.*Z\n$/,
	);
	expect(JSON.parse((await say('breaker', 'list', '--json')).stdout)).toMatchObject([
		{ exchange_id: 'sim', breaker_state: 'OPEN', last_error: expect.stringMatching(/^opened by cli:.*: rumours$/) },
	]);
	expect((await say('breaker', 'open', 'sim')).stdout).toBe('the breaker of sim is OPEN until it is reset\n');
	expect((await say('breaker', 'reset', 'sim')).stdout).toBe('the breaker of sim is CLOSED, it was OPEN\n');
	expect((await say('breaker', 'reset', 'sim')).stdout).toBe('the breaker of sim is CLOSED, it was CLOSED\n');
});

test('a rollout is planned, shown with what holds it and given up; a bot beyond it waits and cannot be resumed', async () => {
	const world = await makeWorld(database.pool, { account: { name: 'an account with a rather long name' } });
	expect(await say('rollout', 'plan', String(world.accountId), '--steps', '1,50@2999-12-08T09:00Z')).toEqual({
		code: 0,
		stdout:
			'account an account with a rather long name: up to 1 active bots from now on\n' +
			'account an account with a rather long name: up to 50 active bots from 2999-12-08T09:00:00.000Z\n',
		stderr: '',
	});
	await makeBot(database.pool, world);
	const waiting = await makeBot(database.pool, world);
	expect(await say('bots', 'resume', String(waiting.id))).toMatchObject({
		code: 2,
		stderr: expect.stringMatching(/^botbox: its account may have 1 active bots, and has them: [^\n]+\n$/),
	});
	await database.pool.query(
		`update botbox.rollout_steps set held_since = now(), held_reason = 'the CRITICAL alert RECONCILIATION_POSITION is open for account 1 BTC/USDT:USDT'
		where taken_at is null`,
	);
	expect((await say('rollout', 'list')).stdout).toMatch(/ HELD +the CRITICAL alert RECONCILIATION_POSITION is open/);
	expect(JSON.parse((await say('rollout', 'list', '--json')).stdout)).toMatchObject({
		accounts: [{ max_active_bots: 1, active_bots: 1, waiting_bots: 1, next_max_active_bots: 50 }],
		steps: [{ status: 'TAKEN' }, { status: 'HELD' }],
	});
	expect((await say('rollout', 'cancel', String(world.accountId), '--unlimited')).stdout).toBe(
		'1 steps of account an account with a rather long name given up, no limit\n',
	);
});

test('limits are listed and set; what does not exist is said', async () => {
	const limit = [
		'limits',
		'set',
		'bybit',
		'--scope',
		'ACCOUNT',
		'--bucket',
		'order_spot',
		'--window',
		'1000',
		'--limit',
	];
	expect(await say(...limit, '40')).toEqual({
		code: 0,
		stdout: 'bybit ACCOUNT order_spot: 40 in 1000 ms, it was 20; 80% of it are used\n',
		stderr: '',
	});
	const listed = JSON.parse((await say('limits', 'list', '--exchange', 'bybit', '--json')).stdout);
	expect(listed).toContainEqual(
		expect.objectContaining({ bucket: 'order_spot', published_limit: '40', window_ms: 1_000 }),
	);
	expect(listed).toHaveLength(4);
	expect((await say('limits', 'list')).stdout).toMatch(/binance +IP +weight_spot +60000 +6000/);
	expect(await say('limits', 'list', '--exchange', 'mtgox')).toMatchObject({ code: 1, stdout: '' });
	const unknown = limit.map((word) => (word === '1000' ? '2000' : word));
	expect(await say(...unknown, '40')).toMatchObject({ code: 1, stdout: '' });
	expect(await say(...limit, '0')).toMatchObject({ code: 2, stdout: '' });
});

test('a transfer is booked by hand, once by its reference; what is no amount is refused', async () => {
	const { accountId } = await makeWorld(database.pool);
	const book = (amount: string) =>
		say(
			...['accounts', 'book', String(accountId), '--kind', 'transfer', '--asset', 'USDT', '--amount', amount],
			...['--reference', 'w-1', '--reason', 'withdrawn'],
		);
	expect(await book('-100.5')).toMatchObject({
		code: 0,
		stdout: expect.stringContaining('booked -100.5 USDT to account'),
	});
	expect(await book('-100.5')).toMatchObject({
		code: 2,
		stderr: expect.stringContaining('has a transfer w-1 already'),
	});
	expect(await book('0')).toMatchObject({ code: 2, stderr: expect.stringContaining('other than 0') });
	const { rows } = await database.pool.query('select booked from botbox.account_balances where account_id = $1', [
		accountId,
	]);
	expect(Number(rows[0].booked)).toBe(9_899.5);
});

test('an entry that waits is listed, approved once, and a rejected one is gone', async () => {
	const world = await makeWorld(database.pool);
	const made: string[] = [];
	// The command line has no clock but the present.
	for (let index = 0; index < 2; index++) {
		const bot = await makeBot(database.pool, world);
		expect(await say('bots', 'execution', String(bot.id), 'confirm')).toMatchObject({
			code: 0,
			stdout: expect.stringMatching(/asks before each entry\n$/),
		});
		made.push(await queueTrade(database.pool, bot, { now: new Date() }));
	}
	const waiting = async () =>
		(JSON.parse((await say('trades', 'waiting', '--json')).stdout) as { trade_id: string }[])
			.map(({ trade_id }) => trade_id)
			.filter((id) => made.includes(id));
	const [first = '', second = ''] = made;
	expect(await waiting()).toEqual([first, second]);
	expect((await say('trades', 'waiting')).stdout).toContain(first);
	const approved = { code: 0, stdout: `trade ${first} is approved\n`, stderr: '' };
	expect(await say('trades', 'approve', first, '--reason', 'as planned')).toEqual(approved);
	expect(await say('trades', 'approve', first)).toMatchObject({
		code: 1,
		stderr: expect.stringMatching(/was approved by/),
	});
	const rejected = { code: 0, stdout: `trade ${second} is rejected\n`, stderr: '' };
	expect(await say('trades', 'reject', second, '--reason', 'news at noon')).toEqual(rejected);
	expect(await waiting()).toEqual([]);
	const { rows } = await database.pool.query(
		`select action, subject, after ->> 'reason' as reason from botbox.audit_log where subject = any ($1) order by id`,
		[made.map((id) => `trade ${id}`)],
	);
	expect(rows).toEqual([
		{ action: 'trade.approve', subject: `trade ${first}`, reason: 'as planned' },
		{ action: 'trade.reject', subject: `trade ${second}`, reason: 'news at noon' },
	]);
});
