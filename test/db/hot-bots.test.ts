/**
 * What runs again and again, from the tick to the lists of the API, at 100,000 bots: by index, never by reading a table through, and of no more
 * pages than the rows that it is about. One database for all, which no test changes. Bots are a
 * hundred thousand, and so are their jobs; of what has a history there is enough to tell an index from a table that is read through.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { beginRequest, findEventRange, findEvents } from '../../src/database/functions/access.ts';
import { claimChecks, findDueBots, recordChecks } from '../../src/database/functions/checks.ts';
import type { Queryable } from '../../src/database/functions/define.ts';
import { findProtectionGaps } from '../../src/database/functions/guards.ts';
import { recordTickers } from '../../src/database/functions/market.ts';
import {
	expireTrades,
	moveBestPrices,
	queueExits,
	recordOrderResult,
	retryCloses,
} from '../../src/database/functions/trades.ts';
import { createJobs, type Jobs } from '../../src/database/jobs.ts';
import { botStatus, checks, signals } from '../../src/database/views/bots.ts';
import { listRows, type PageRequest, type View } from '../../src/database/views/define.ts';
import { orders, positions, trades } from '../../src/database/views/execution.ts';
import { alerts } from '../../src/database/views/operation.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { after, makeBot, makeInstrument, makeWorld, start } from '../support/factories/world.ts';
import { costOf, type Statement, statementsOf } from '../support/plans.ts';

const manyBots = 100_000;
const markets = 200;
const heldBots = 10_000;
const closedPositions = 30_000;
/** Signals, trades and orders: of a fifth of the bots, as hot-statements.test.ts has a hundred thousand. */
const past = 20_000;
/** A batch of checks. */
const batch = 500;
const dueAt = start;
const now = after(1);

let database: TestDatabase;
let jobs: Jobs;
let asked: Statement[] = [];
let botIds: number[] = [];
let versionId = 0;
let accountId = 0;
let symbols: string[] = [];
let orderId = 0;

beforeAll(async () => {
	database = await createTestDatabase();
	await seed();
	// pg-boss itself, over a pool that notes its statements and asks the database for what the start needs.
	const noting = {
		query: async (text: string, values?: unknown[]) => {
			asked.push({ text, values: values ?? [] });
			return await database.pool.query(text, values);
		},
	} as unknown as TestDatabase['pool'];
	jobs = await createJobs({ pool: noting, isSupervisor: false, onError: () => undefined });
}, 300_000);
afterAll(async () => {
	await jobs?.stop();
	await database.drop();
});

/** 100,000 bots on 200 markets, 500 of them due, a fifth holding a position that the guard watches, each with a past of one of everything. */
async function seed(): Promise<void> {
	const world = await makeWorld(database.pool);
	({ accountId, versionId } = world);
	const instruments = [world.instrument];
	while (instruments.length < markets) instruments.push(await makeInstrument(database.pool));
	symbols = instruments.map(({ symbol }) => symbol);
	const first = await makeBot(database.pool, world);
	// Above every stop, below every best price.
	await recordTickers(database.pool, {
		exchangeId: 'sim',
		tickers: symbols.map((symbol) => ({ symbol, bid: '99', ask: '99.1', last: '99', quoted_at: dueAt.toISOString() })),
		now: dueAt,
	});
	const client = await database.pool.connect();
	try {
		// Rows of the past: no trigger has anything to tell of them, and every key they name exists.
		await client.query(`set session_replication_role = 'replica'`);
		await client.query(
			`insert into bots (name, strategy_version_id, account_id, instrument_id, interval_minutes, sizing, sizing_value, next_check_at)
			select 'one of many ' || n, b.strategy_version_id, b.account_id, ($2::bigint[])[1 + n % cardinality($2)], b.interval_minutes, b.sizing,
				b.sizing_value, case when n <= $3 then $4::timestamptz else $5::timestamptz + interval '1 hour' end
			from bots b, generate_series(1, $6::integer) n where b.id = $1`,
			[first.id, instruments.map(({ id }) => id), batch, dueAt, dueAt, manyBots],
		);
		const { rows } = await client.query<{ id: number }>('select id from bots where id <> $1 order by id', [first.id]);
		botIds = rows.map(({ id }) => id);
		await client.query(
			`insert into feeds (instrument_id, next_fetch_at, fetched_at) select unnest($1::bigint[]), $2, $2 on conflict (instrument_id) do update set fetched_at = excluded.fetched_at`,
			[instruments.map(({ id }) => id), now],
		);
		await client.query(
			`insert into positions (bot_id, account_id, instrument_id, direction, quantity, entered_quantity, average_entry_price, stop_loss_price,
				trailing_stop_fraction, best_price, protection, opened_at)
			select id, account_id, instrument_id, 'LONG', 1, 1, 100, 90, 0.05, 100, 'GUARD', $1 from bots where id <> $3 order by id limit $2`,
			[now, heldBots, first.id],
		);
		// And those of days before, of the same bots.
		await client.query(
			`insert into positions (bot_id, account_id, instrument_id, direction, status, quantity, entered_quantity, exited_quantity, average_entry_price,
				average_exit_price, opened_at, closed_at)
			select b.id, b.account_id, b.instrument_id, 'LONG', 'CLOSED', 0, 1, 1, 100, 100, $1::timestamptz - interval '1 day', $1::timestamptz - b.id * interval '1 second'
			from bots b where id <> $3 order by id desc limit $2`,
			[now, closedPositions, first.id],
		);
		await client.query(
			`insert into position_totals
			select bot_id, account_id, strategy_version_id, count(*), 0, 0, 0, 0, 0, 0, min(opened_at), max(closed_at)
			from positions where status = 'CLOSED' group by 1, 2, 3`,
		);
		await client.query(
			`insert into checks (bot_id, due_at, kind, strategy_version_id, worker_id, started_at, recorded_at, duration_ms, decision, outcome, reason_code)
			select b.id, $1::timestamptz - m * interval '1 minute', 'SCHEDULED', b.strategy_version_id, 'w', $1::timestamptz - m * interval '1 minute',
				$1::timestamptz - m * interval '1 minute', 1, 'NONE', 'NO_SIGNAL', 'BELOW_THRESHOLD'
			from (select * from bots order by id limit 1000) b, generate_series(1, 100) m`,
			[now],
		);
		await client.query(
			`insert into signals (hash, bot_id, account_id, instrument_id, strategy_version_id, direction, trigger_reason, candle_at, price, status,
				reason_code, created_at, decided_at)
			select encode(sha256(b.id::text::bytea), 'hex'), b.id, b.account_id, b.instrument_id, b.strategy_version_id, 'LONG', 'ENTRY_THRESHOLD', q.at, 100,
				'REJECTED', 'MAX_POSITIONS', q.at, q.at
			from bots b cross join lateral (select $1::timestamptz - b.id * interval '1 second' as at) q
			order by b.id limit $2`,
			[now, past],
		);
		await client.query(
			`with made as (
				insert into trade_queue (signal_id, signal_hash, bot_id, account_id, instrument_id, direction, side, quantity, price, trigger_reason,
					status, queued_at, next_attempt_at, expires_at, finished_at)
				select b.id, 'h' || b.id, b.id, b.account_id, b.instrument_id, 'LONG', 'BUY', 1, 100, 'ENTRY_THRESHOLD', 'EXECUTED',
					q.at, q.at, q.at + interval '5 minutes', q.at + interval '1 second'
				from bots b cross join lateral (select $1::timestamptz - b.id * interval '2 seconds' as at) q
				order by b.id limit $2
				returning *
			)
			insert into orders (trade_id, account_id, instrument_id, bot_id, purpose, client_order_id, exchange_order_id, side, quantity, status,
				filled_quantity, average_price, next_query_at, finished_at, created_at)
			select id, account_id, instrument_id, bot_id, 'ENTRY', 'c' || signal_id, 'x' || signal_id, 'BUY', 1, 'FILLED', 1, 100, queued_at, queued_at, queued_at
			from made`,
			[now, past],
		);
		// One order whose answer is still to come.
		const sent = await client.query<{ id: number }>(
			`with trade as (
				insert into trade_queue (signal_id, signal_hash, bot_id, account_id, instrument_id, direction, side, quantity, price, trigger_reason, status, queued_at,
					next_attempt_at, expires_at, claimed_by, claimed_until)
				select 0, 'sent', id, account_id, instrument_id, 'LONG', 'BUY', 1, 100, 'ENTRY_THRESHOLD', 'EXECUTING', $2, $2, $2::timestamptz + interval '5 minutes',
					'w', $2::timestamptz + interval '20 seconds'
				from bots where id = $1 returning *
			)
			insert into orders (trade_id, account_id, instrument_id, bot_id, purpose, client_order_id, side, quantity, status, next_query_at, send_count)
			select id, account_id, instrument_id, bot_id, 'ENTRY', 'sent', 'BUY', 1, 'SUBMITTING', $2, 1 from trade returning id`,
			[botIds.at(-1), now],
		);
		orderId = sent.rows[0]!.id;
		await client.query(
			`insert into events (topic, keys, at) select 'trades', array[n::text], $1 from generate_series(1, 10000) n`,
			[now],
		);
		await client.query(
			`insert into alerts (code, severity, subject, message, opened_at, last_seen_at)
			select 'STOP_MISSING', 'CRITICAL', 'position ' || max(id), 'test', $1, $1 from positions where status = 'OPEN'`,
			[now],
		);
		await client.query(
			`insert into idempotent_requests (actor, idempotency_key, request_hash, started_at, finished_at, status, body)
			select 'someone', 'k' || n, ''::bytea, $1, $1, 200, '{}' from generate_series(1, 20000) n`,
			[now],
		);
		await client.query(
			`insert into pgboss.job (name, data, singleton_key, policy)
			select 'check', jsonb_build_object('botId', id, 'dueAt', next_check_at), id::text, 'short' from bots`,
		);
		await client.query(
			'analyze bots; analyze positions; analyze position_totals; analyze tickers; analyze checks; analyze signals; analyze trade_queue; analyze orders; analyze events; analyze idempotent_requests; analyze feeds; analyze instruments; analyze pgboss.job',
		);
		// As autovacuum does some time after rows have come.
		await client.query(`select brin_summarize_new_values('bots_due')`);
	} finally {
		client.release(true);
	}
}

/** Of each statement that the work asks for: what is more than it may be. */
async function excess(
	most: number,
	statements: readonly Statement[],
	before: readonly Statement[] = [],
): Promise<string[]> {
	expect(statements.length).toBeGreaterThan(0);
	const told: string[] = [];
	for (const statement of statements) {
		const { pages, readThrough } = await costOf(database.pool, statement, before);
		if (pages > most || readThrough.length > 0)
			told.push(
				`${statement.text}: ${pages} pages, ${most} allowed, reads through ${readThrough.join(', ') || 'nothing'}`,
			);
		if (process.env.BOTBOX_TEST_LOG)
			console.log(statement.text.slice(0, 90).replaceAll(/\s+/g, ' '), pages, most, readThrough);
	}
	return told;
}

const tickets = () => botIds.slice(0, batch).map((botId) => ({ bot_id: botId, due_at: dueAt.toISOString() }));

const calls: readonly (readonly [name: string, most: number, work: (db: Queryable) => Promise<unknown>])[] = [
	['find_due_bots', 300, (db) => findDueBots(db, { now })],
	['claim_checks', 40 * batch, (db) => claimChecks(db, { jobs: tickets(), workerId: 'w', now })],
	[
		'record_checks',
		100 * batch,
		(db) =>
			recordChecks(db, {
				checks: tickets().map((ticket) => ({
					...{
						...ticket,
						kind: 'SCHEDULED',
						strategy_version_id: versionId,
						started_at: now.toISOString(),
						duration_ms: 1,
					},
					...{
						timeframe: '5m',
						candle_at: dueAt.toISOString(),
						data_age_ms: 900,
						price: 100,
						decision: 'NONE',
						reason_code: 'BELOW_THRESHOLD',
					},
				})),
				workerId: 'w',
				now,
			}),
	],
	[
		'record_order_result',
		400,
		(db) => recordOrderResult(db, { orderId, workerId: 'w', result: 'ACKNOWLEDGED', exchangeOrderId: 'x', now }),
	],
	['expire_trades', 200, (db) => expireTrades(db, { now })],
	// By position that is open, not by bot nor by what was ever traded.
	['retry_closes', 4 * heldBots, (db) => retryCloses(db, { now })],
	['queue_exits', 2 * heldBots, (db) => queueExits(db, { now })],
	['move_best_prices', 2 * heldBots, (db) => moveBestPrices(db, { now })],
	[
		'find_protection_gaps',
		1.2 * heldBots,
		(db) =>
			findProtectionGaps(db, {
				accountId,
				positions: symbols.map((symbol) => ({ symbol, quantity: 1, stop_loss_price: 90, take_profit_price: null })),
				askedAt: now,
				now,
			}),
	],
	[
		'begin_request',
		30,
		(db) => beginRequest(db, { actor: 'someone', idempotencyKey: 'new', requestHash: Buffer.from('x'), now }),
	],
	['find_event_range', 20, (db) => findEventRange(db, {})],
	['find_events', 100, (db) => findEvents(db, { after: 19_000, missing: [1, 2, 3], limit: 1_000 })],
];

test('functions of tick, check, execution, guard, reconciliation and API', { timeout: 300_000 }, async () => {
	const claimed = await statementsOf((db) => claimChecks(db, { jobs: tickets(), workerId: 'w', now }));
	const told: string[] = [];
	for (const [name, most, work] of calls)
		told.push(...(await excess(most, await statementsOf(work), name === 'record_checks' ? claimed : [])));
	expect(told).toEqual([]);
	// The measure itself tells a table that is read through.
	const through = { text: `select count(*) from botbox.bots where name = 'x' || pi()`, values: [] };
	expect(await excess(1_000_000, [through])).toEqual([expect.stringMatching(/reads through bots/)]);
});

/** What pg-boss asks for, noted while it does it. */
async function noted(work: () => Promise<unknown>): Promise<Statement[]> {
	asked = [];
	await work();
	return asked.filter(({ text }) => /\b(update|delete|insert|select)\b/i.test(text));
}

test('pg-boss fetches and deletes a batch of jobs out of 100,000', { timeout: 120_000 }, async () => {
	const fetching = await noted(async () => await jobs.fetchChecks(1));
	expect(await excess(40 * batch, fetching)).toEqual([]);
	const { rows } = await database.pool.query<{ id: string }>(
		`select id from pgboss.job where name = 'check' limit $1`,
		[batch],
	);
	const unknown = await noted(async () => await jobs.endChecks([crypto.randomUUID()]));
	const ids = rows.map(({ id }) => id);
	const deleting = unknown.map(({ text, values }) => ({
		text,
		values: values.map((v) => (Array.isArray(v) ? ids : v)),
	}));
	expect(await excess(20 * batch, deleting)).toEqual([]);
});

/** Fifty rows, each joined with its bot, account, instrument and what else a list shows; of checks those of one minute. */
const listPages = 6_000;

const lists: readonly (readonly [name: string, view: View, where: () => Record<string, unknown>])[] = [
	['bots', botStatus, () => ({})],
	['bots of an account', botStatus, () => ({ account_id: accountId })],
	['checks', checks, () => ({})],
	['checks of a bot', checks, () => ({ bot_id: botIds[5] })],
	['signals', signals, () => ({})],
	['signals of a bot', signals, () => ({ bot_id: botIds[5] })],
	['trades', trades, () => ({})],
	['trades of a bot', trades, () => ({ bot_id: botIds[5] })],
	['orders', orders, () => ({})],
	['orders of a bot', orders, () => ({ bot_id: botIds[5] })],
	['positions', positions, () => ({})],
	['open positions', positions, () => ({ status: 'OPEN' })],
	['positions of a bot', positions, () => ({ bot_id: botIds[5] })],
	['alerts', alerts, () => ({})],
];

test('pages of the lists of the API', { timeout: 300_000 }, async () => {
	const told: string[] = [];
	for (const [name, view, where] of lists) {
		const page = { limit: 50, where: where() } as PageRequest<View['columns']>;
		const found = await excess(listPages, await statementsOf((db) => listRows(db, view, page)));
		told.push(...found.map((text) => `${name}: ${text}`));
	}
	expect(told).toEqual([]);
});
