/**
 * A long queue: what a claim costs does not grow with it, nor with what stands in front and may not be sent. The queue is never analyzed,
 * so that the planner knows nothing of its length, as in the minute in which it grew. Pages are the same on every machine, however busy.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { claimTrades } from '../../src/database/functions/trades.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { after, makeAccount, makeBot, makeWorld, start } from '../support/factories/world.ts';
import { costOf, statementsOf } from '../support/plans.ts';

const accounts = 40;
const botsOfAccount = 500;
/** Of the first accounts, whose trades are the oldest. */
const front = 10;
const limit = 10;
/** Ten trades with what they need, each written anew in every index, and the facts of the accounts. */
const mostPages = 1_500;
const now = after(60);

let database: TestDatabase;
let accountIds: number[] = [];

/** Trades of an account are queued together, one account after the other. */
beforeAll(async () => {
	database = await createTestDatabase();
	const world = await makeWorld(database.pool);
	accountIds = [world.accountId];
	while (accountIds.length < accounts) accountIds.push(await makeAccount(database.pool));
	const bot = await makeBot(database.pool, world);
	await inPast(
		`insert into bots (name, strategy_version_id, account_id, instrument_id, interval_minutes, sizing, sizing_value, next_check_at)
		 select 'one of many ' || a.id || ' ' || n, b.strategy_version_id, a.id, b.instrument_id, b.interval_minutes, b.sizing, b.sizing_value, b.next_check_at
		   from bots b, unnest($2::bigint[]) with ordinality a (id, place), generate_series(1, $3::integer) n
		  where b.id = $1
		  order by a.place, n`,
		[bot.id, accountIds, botsOfAccount],
	);
	await inPast(
		`insert into trade_queue (signal_id, signal_hash, bot_id, account_id, instrument_id, direction, side, quantity, price, reserved_capital,
			 trigger_reason, queued_at, next_attempt_at, expires_at)
		 select b.id, 'long ' || b.id, b.id, b.account_id, b.instrument_id, 'LONG', 'BUY', 1, 100, 100, 'ENTRY_THRESHOLD',
			    q.at, q.at, q.at + interval '5 minutes'
		   from bots b cross join lateral (select $2::timestamptz + b.id * interval '1 millisecond' as at) q
		  where b.id <> $1
		  order by b.id`,
		[bot.id, start],
	);
	await database.pool.query('update accounts set reconciled_at = $1', [start]);
	await database.pool.query('analyze bots; analyze accounts; analyze instruments');
}, 120_000);
afterAll(() => database.drop());

/** As rows of the past: no trigger has anything to tell of them, and every key they name exists. */
async function inPast(text: string, values: unknown[]): Promise<void> {
	const client = await database.pool.connect();
	try {
		await client.query(`set session_replication_role = 'replica'`);
		await client.query(text, values);
	} finally {
		client.release(true);
	}
}

/** What a claim costs and of which accounts its trades are, after a change of which nothing stays. */
async function claimAfter(change: string, values: unknown[] = []) {
	const before = change === '' ? [] : [{ text: change, values }];
	const [statement] = await statementsOf((db) =>
		claimTrades(db, { workerId: 'w', limit, now, reconciledSince: start }),
	);
	const cost = await costOf(database.pool, statement!, before);
	const client = await database.pool.connect();
	try {
		await client.query('begin');
		for (const { text, values: given } of before) await client.query(text, given);
		const trades = await claimTrades(client, { workerId: 'w', limit, now, reconciledSince: start });
		return { ...cost, trades };
	} finally {
		await client.query('rollback');
		client.release();
	}
}
const inFront = () => accountIds.slice(0, front);
const placesOf = (trades: readonly { accountId: number }[]) => [
	...new Set(trades.map(({ accountId }) => accountIds.indexOf(accountId))),
];

test('a claim out of many thousands looks at the few that it takes, the oldest first', async () => {
	const { pages, readThrough, trades } = await claimAfter('');
	expect(trades).toHaveLength(limit);
	expect(placesOf(trades)).toEqual([0]);
	const oldest = await database.pool.query(
		`select id from trade_queue where status = 'PENDING' order by queued_at limit $1`,
		[limit],
	);
	expect(trades.map(({ tradeId }) => tradeId)).toEqual(oldest.rows.map(({ id }) => id));
	expect(readThrough).toEqual([]);
	expect(pages).toBeLessThan(mostPages);
});

test.each([
	['HALTED', `update accounts set status = 'HALTED' where id = any ($1)`],
	['not reconciled', 'update accounts set reconciled_at = null where id = any ($1)'],
	[
		'LIVE and not named here',
		`update accounts set mode = 'LIVE', credentials = 'x', exchange_id = 'bybit' where id = any ($1)`,
	],
	[
		'behind an opened breaker',
		`with moved as (update accounts set exchange_id = 'bybit' where id = any ($1))
		 update circuit_breakers set state = 'OPEN', opened_at = changed_at, probe_at = changed_at where exchange_id = 'bybit'`,
	],
	[
		'paused',
		`insert into pauses (scope, account_id, reason, created_by) select 'ACCOUNT', unnest($1::bigint[]), 'drill', 'test'`,
	],
])('five thousand trades in front, of accounts that are %s, are passed over unread', async (_, change) => {
	const { pages, trades } = await claimAfter(change, [inFront()]);
	expect(trades).toHaveLength(limit);
	expect(placesOf(trades)).toEqual([front]);
	expect(pages).toBeLessThan(mostPages);
});

test.each([
	['are paused', `update bots set status = 'PAUSED', next_check_at = null where account_id = any ($1)`, 8],
	[
		'wait for a person',
		`insert into trade_approvals (trade_id, requested_at) select id, queued_at from trade_queue where account_id = any ($1)`,
		12,
	],
])(
	'trades in front of bots that %s cost a few pages each, and the rest of the queue nothing',
	async (_, change, each) => {
		const { pages, trades } = await claimAfter(change, [accountIds.slice(0, 2)]);
		expect(trades).toHaveLength(limit);
		expect(placesOf(trades)).toEqual([2]);
		expect(pages).toBeLessThan(mostPages + 2 * botsOfAccount * each);
	},
);

test('a close that comes last goes first, and the oldest entries fill the claim', async () => {
	const { pages, trades } = await claimAfter(
		`with held as (
			insert into positions (bot_id, account_id, instrument_id, direction, quantity, entered_quantity, average_entry_price, opened_at)
			select id, account_id, instrument_id, 'LONG', 1, 1, 100, $1 from bots order by id desc limit 3
			returning id, bot_id, account_id, instrument_id
		)
		insert into trade_queue (signal_id, signal_hash, bot_id, account_id, instrument_id, position_id, direction, side, quantity, price, trigger_reason,
			queued_at, next_attempt_at)
		select 0, 'close ' || bot_id, bot_id, account_id, instrument_id, id, 'CLOSE', 'SELL', 1, 100, 'EXIT_THRESHOLD', $1, $1 from held`,
		[now],
	);
	expect(trades.map(({ direction }) => direction)).toEqual([
		...Array.from({ length: 3 }, () => 'CLOSE'),
		...Array.from({ length: limit - 3 }, () => 'LONG'),
	]);
	expect(placesOf(trades)).toEqual([accounts - 1, 0]);
	expect(pages).toBeLessThan(mostPages);
});

test('many connections at once share the queue out, none of them goes empty', async () => {
	const claims = await Promise.all(
		Array.from({ length: 16 }, (_, index) =>
			claimTrades(database.pool, { workerId: `worker-${index}`, limit, now, reconciledSince: start }),
		),
	);
	const ids = claims.flat().map(({ tradeId }) => tradeId);
	expect(new Set(ids).size).toBe(16 * limit);
	await inPast(
		`update trade_queue set status = 'PENDING', claimed_by = null, claimed_until = null, attempts = 0 where id = any ($1)`,
		[ids],
	);
});
