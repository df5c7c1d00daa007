/** Rules that are looked at: each is raised by what it is about, above its threshold only, and resolves by itself. */
import { expect, test } from 'vitest';
import { monitorChecks, setAlertRule, summariseDay } from '../../src/database/functions/alerts.ts';
import { recordTick } from '../../src/database/functions/checks.ts';
import {
	monitorHealth,
	raiseAlert,
	recordExchangeResult,
	recordHeartbeat,
	recordLimitReport,
} from '../../src/database/functions/guards.ts';
import { recordOrderResult, recoverOrders } from '../../src/database/functions/trades.ts';
import {
	applyFill,
	decide,
	openPosition,
	queueTrade,
	type SentOrder,
	submitTrade,
	workerId,
} from '../support/factories/trading.ts';
import { after, type Bot, makeBot, makeFeedFresh, makeWorld, quote, start } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

const look = (seconds: number) => monitorHealth(books.pool, { now: after(seconds) });
const lookAtChecks = (seconds: number) => monitorChecks(books.pool, { now: after(seconds) });
async function open(code: string): Promise<string[]> {
	const { rows } = await books.pool.query<{ subject: string }>(
		'select subject from alerts where code = $1 and resolved_at is null order by subject',
		[code],
	);
	return rows.map(({ subject }) => subject);
}
const severityOf = (code: string) => one(books.pool, 'select severity from alerts where code = $1', [code]);

let made = 0;
/** A check as record_checks would leave it, `late` seconds after it was due. */
async function makeCheck(bot: Bot, seconds: number, options: { late?: number; outcome?: string } = {}): Promise<void> {
	const { late = 1, outcome = 'NO_SIGNAL' } = options;
	made += 1;
	await books.pool.query(
		`insert into checks (bot_id, due_at, kind, strategy_version_id, worker_id, started_at, recorded_at, duration_ms, decision, outcome, reason_code, error)
		values ($1, $2, 'SCHEDULED', $3, 'w', $4, $4, 1, 'NONE', $5, 'CHECK_FAILED', 'of a test')`,
		[bot.id, new Date(after(seconds - late).getTime() + made), bot.versionId, after(seconds), outcome],
	);
}
const makeOldBot = async () => makeBot(books.pool, await makeWorld(books.pool), { now: after(-7_200) });

test('POSITION_UNPROTECTED: a stop that is watched here, and no price to watch it by', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	await quote(books.pool, world.instrument, { last: 100 }, start);
	await openPosition(books.pool, bot, { stopLossFraction: 0.02 });
	await look(60);
	expect(await open('POSITION_UNPROTECTED')).toEqual([]);
	await look(61);
	expect(await open('POSITION_UNPROTECTED')).toEqual([`sim ${world.instrument.symbol}`]);
	expect(await severityOf('POSITION_UNPROTECTED')).toEqual({ severity: 'CRITICAL' });
	await quote(books.pool, world.instrument, { last: 100 }, after(62));
	await look(63);
	expect(await open('POSITION_UNPROTECTED')).toEqual([]);
});

test('a position without any stop of its strategy is none of its business', async () => {
	const world = await makeWorld(books.pool);
	await openPosition(books.pool, await makeBot(books.pool, world));
	await look(3_600);
	expect(await open('POSITION_UNPROTECTED')).toEqual([]);
});

async function unknownOrder(code?: string): Promise<SentOrder> {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	const order = await submitTrade(books.pool, await queueTrade(books.pool, bot));
	const result = { orderId: order.orderId, workerId, result: 'UNKNOWN', message: '110072: OrderLinkedID is duplicate' };
	await recordOrderResult(books.pool, { ...result, code, now: start });
	return order;
}

test('DUPLICATE_CLIENT_ID: opens with the refusal, ends when the order is known', async () => {
	await unknownOrder();
	expect(await open('DUPLICATE_CLIENT_ID')).toEqual([]);
	const order = await unknownOrder('DUPLICATE_CLIENT_ID');
	expect(await open('DUPLICATE_CLIENT_ID')).toEqual([`order ${order.orderId}`]);
	await look(10);
	expect(await open('DUPLICATE_CLIENT_ID')).toHaveLength(1);
	const found = { orderId: order.orderId, workerId, result: 'ACKNOWLEDGED', exchangeOrderId: 'x' };
	await recordOrderResult(books.pool, { ...found, now: after(20) });
	await look(21);
	expect(await open('DUPLICATE_CLIENT_ID')).toEqual([]);
});

test('ORDER_UNKNOWN: after as long as its threshold says', async () => {
	const order = await unknownOrder();
	await setAlertRule(books.pool, { code: 'ORDER_UNKNOWN', threshold: 120, actor: 'ann' });
	await recoverOrders(books.pool, { now: after(119) });
	expect(await open('ORDER_UNKNOWN')).toEqual([]);
	await recoverOrders(books.pool, { now: after(120) });
	expect(await open('ORDER_UNKNOWN')).toEqual([`order ${order.orderId}`]);
	const found = { orderId: order.orderId, workerId, result: 'ACKNOWLEDGED', exchangeOrderId: 'x' };
	await recordOrderResult(books.pool, { ...found, now: after(130) });
	await look(131);
	expect(await open('ORDER_UNKNOWN')).toEqual([]);
});

test('BREAKER_OPEN: five failures in a row, until a probe succeeds', async () => {
	const fail = () =>
		recordExchangeResult(books.pool, { exchangeId: 'sim', isSuccess: false, error: 'down', now: start });
	for (let i = 0; i < 4; i++) await fail();
	expect(await open('BREAKER_OPEN')).toEqual([]);
	await fail();
	expect(await open('BREAKER_OPEN')).toEqual(['sim']);
	await books.pool.query(`update circuit_breakers set state = 'HALF_OPEN', probed_by = 'w' where exchange_id = 'sim'`);
	await recordExchangeResult(books.pool, { exchangeId: 'sim', isSuccess: true, now: after(61) });
	expect(await open('BREAKER_OPEN')).toEqual([]);
});

async function makeBucket(): Promise<void> {
	await books.pool.query(
		`insert into rate_limits (exchange_id, scope, scope_key, bucket, published_limit, window_ms, capacity, refill_per_second, tokens, refilled_at)
		values ('sim', 'IP', 'default', 'all', 100, 1000, 40, 40, 40, $1)`,
		[start],
	);
}
const report = (seconds: number, facts: { used?: number; blockedForMs?: number }) =>
	recordLimitReport(books.pool, {
		...{ exchangeId: 'sim', scope: 'IP', scopeKey: 'default', bucket: 'all', reason: 'too many', now: after(seconds) },
		...facts,
	});

test('LIMIT_EXCEEDED: a ban, for as long as it lasts', async () => {
	await makeBucket();
	await report(0, { blockedForMs: 600_000 });
	expect(await open('LIMIT_EXCEEDED')).toEqual(['sim IP all']);
	await look(599);
	expect(await open('LIMIT_EXCEEDED')).toHaveLength(1);
	await look(601);
	expect(await open('LIMIT_EXCEEDED')).toEqual([]);
});

test('LIMIT_HIGH_USE: above its threshold, until two minutes without', async () => {
	await makeBucket();
	await report(0, { used: 60 });
	expect(await open('LIMIT_HIGH_USE')).toEqual([]);
	await report(1, { used: 61 });
	expect(await open('LIMIT_HIGH_USE')).toEqual(['sim IP all']);
	await look(121);
	expect(await open('LIMIT_HIGH_USE')).toHaveLength(1);
	await look(122);
	expect(await open('LIMIT_HIGH_USE')).toEqual([]);
	await setAlertRule(books.pool, { code: 'LIMIT_HIGH_USE', threshold: 0.7, actor: 'ann' });
	await report(200, { used: 65 });
	expect(await open('LIMIT_HIGH_USE')).toEqual([]);
});

test('LIMITER_FALLBACK and other events end when they are not seen again', async () => {
	const raise = (code: string, seconds: number) =>
		raiseAlert(books.pool, { code, severity: 'CRITICAL', subject: 'x', message: 'm', now: after(seconds) });
	await raise('LIMITER_FALLBACK', 0);
	await raise('POSITION_OVERCLOSED', 0);
	await raise('LIMITER_FALLBACK', 60);
	await look(180);
	expect(await open('LIMITER_FALLBACK')).toHaveLength(1);
	await look(181);
	expect(await open('LIMITER_FALLBACK')).toEqual([]);
	await look(86_400);
	expect(await open('POSITION_OVERCLOSED')).toHaveLength(1);
	await look(86_401);
	expect(await open('POSITION_OVERCLOSED')).toEqual([]);
});

test('EVALUATION_KILLED: of a strategy, until ten minutes without', async () => {
	const bot = await makeOldBot();
	await makeCheck(bot, 0, { outcome: 'FAILED' });
	await lookAtChecks(1);
	expect(await open('EVALUATION_KILLED')).toEqual([]);
	await makeCheck(bot, 2, { outcome: 'TIMED_OUT' });
	await lookAtChecks(3);
	expect(await open('EVALUATION_KILLED')).toEqual(['strategy test']);
	await look(603);
	expect(await open('EVALUATION_KILLED')).toHaveLength(1);
	await look(604);
	expect(await open('EVALUATION_KILLED')).toEqual([]);
});

test('CHECK_LATENCY: more than one check in twenty is late', async () => {
	const bot = await makeOldBot();
	for (let i = 0; i < 95; i++) await makeCheck(bot, 0, { late: 9 });
	for (let i = 0; i < 4; i++) await makeCheck(bot, 0, { late: 50 });
	await lookAtChecks(1);
	expect(await open('CHECK_LATENCY')).toEqual([]);
	for (let i = 0; i < 3; i++) await makeCheck(bot, 0, { late: 50 });
	await lookAtChecks(2);
	expect(await open('CHECK_LATENCY')).toEqual(['checks']);
	await lookAtChecks(61);
	expect(await open('CHECK_LATENCY')).toEqual([]);
});

test('a bot that is new is not late for what was due before it was made', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool), { now: start });
	await makeCheck(bot, 1, { late: 300 });
	await lookAtChecks(2);
	expect(await open('CHECK_LATENCY')).toEqual([]);
});

test('REJECTION_RATE: above 80% of at least twenty signals of an hour', async () => {
	const world = await makeWorld(books.pool, { account: { maxPositions: 5, capital: 1_000_000 } });
	const signal = async (count: number) => {
		for (let i = 0; i < count; i++) await decide(books.pool, await makeBot(books.pool, world, { notional: 100 }));
	};
	await signal(19);
	await lookAtChecks(1);
	expect(await open('REJECTION_RATE')).toEqual([]);
	// 5 accepted, 20 rejected: exactly 80%.
	await signal(6);
	await lookAtChecks(2);
	expect(await open('REJECTION_RATE')).toEqual([]);
	await signal(1);
	await lookAtChecks(3);
	expect(await open('REJECTION_RATE')).toEqual(['signals']);
	await lookAtChecks(3_601);
	expect(await open('REJECTION_RATE')).toEqual([]);
});

test('STRATEGY_FAILING: more than a fifth of its bots, those paused for it included', async () => {
	const world = await makeWorld(books.pool);
	const bots = [];
	for (let i = 0; i < 10; i++) bots.push(await makeBot(books.pool, world));
	const fail = (bot: Bot | undefined, failures: number) =>
		books.pool.query('update bots set consecutive_failures = $2 where id = $1', [bot?.id, failures]);
	await fail(bots[0], 2);
	await fail(bots[1], 4);
	await fail(bots[2], 1);
	await lookAtChecks(0);
	expect(await open('STRATEGY_FAILING')).toEqual([]);
	await fail(bots[2], 5);
	await books.pool.query(`select pause_failing_bot(p_bot_id => $1, p_error => 'it threw')`, [bots[2]?.id]);
	await lookAtChecks(1);
	expect(await open('STRATEGY_FAILING')).toEqual(['strategy test']);
	await fail(bots[0], 0);
	await lookAtChecks(2);
	expect(await open('STRATEGY_FAILING')).toEqual([]);
});

test('thresholds of the health rules are those of the operator', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	await makeFeedFresh(books.pool, bot.instrumentId, start);
	await recordTick(books.pool, { workerId, dueBots: 0, durationMs: 1, now: start });
	const beat = { workerId: 'w', host: 'h', processId: 1, roles: ['tick'], version: '1', startedAt: start };
	await recordHeartbeat(books.pool, { ...beat, now: start });
	await queueTrade(books.pool, bot);
	await look(20);
	for (const code of ['NO_TICK', 'DATA_LAG', 'WORKER_LOST', 'QUEUE_DEPTH']) {
		expect(await open(code)).toEqual([]);
		await setAlertRule(books.pool, { code, threshold: code === 'QUEUE_DEPTH' ? 0.5 : 10, actor: 'ann' });
	}
	expect(await look(20)).toBe(4);
	for (const code of ['NO_TICK', 'DATA_LAG', 'WORKER_LOST', 'QUEUE_DEPTH']) expect(await open(code)).toHaveLength(1);
});

test('DAILY_SUMMARY: once a day, with strategies and reasons; INFO', async () => {
	const world = await makeWorld(books.pool, { account: { maxPositions: 2 } });
	for (let i = 0; i < 5; i++) await decide(books.pool, await makeBot(books.pool, world, { notional: 100 }));
	const summarise = (seconds: number) => summariseDay(books.pool, { now: after(seconds) });
	// The bots were made today: nothing is known of yesterday.
	expect(await summarise(0)).toBeNull();
	const midnight = 12 * 3_600;
	expect(await summarise(midnight - 1)).toBeNull();
	const id = await summarise(midnight);
	expect(await summarise(midnight + 60)).toBeNull();
	expect(await one(books.pool, 'select severity, subject, message, details from alerts where id = $1', [id])).toEqual({
		severity: 'INFO',
		subject: '2026-03-02',
		message: '2026-03-02: test 5 signals, 2 accepted. Rejected most: MAX_POSITIONS 3.',
		details: {
			strategies: [{ strategy: 'test', signals: 5, accepted: 2 }],
			rejections: [{ reason_code: 'MAX_POSITIONS', signals: 3 }],
		},
	});
	expect(await summarise(midnight + 86_400)).not.toBeNull();
	expect(await open('DAILY_SUMMARY')).toEqual(['2026-03-03']);
});

test('a rule is changed within reason, with a line in the audit log', async () => {
	const set = (code: string, threshold: number) =>
		setAlertRule(books.pool, { code, threshold, actor: 'ann', now: start });
	expect(await set('QUEUE_DEPTH', 500)).toBe(true);
	expect(await one(books.pool, 'select actor, action, subject, before, after from audit_log')).toEqual({
		actor: 'ann',
		action: 'alert_rule.set',
		subject: 'QUEUE_DEPTH',
		before: { threshold: 100, is_delivered: true },
		after: { threshold: 500, is_delivered: true },
	});
	expect(await set('NO_SUCH_ALERT', 1)).toBe(false);
	await expect(set('BREAKER_OPEN', 1)).rejects.toMatchObject({ code: '23514' });
	await expect(set('TRADE_FAILURES', 1.5)).rejects.toMatchObject({ constraint: 'share_is_at_most_one' });
	await expect(set('TRADE_FAILURES', -1)).rejects.toMatchObject({ constraint: 'alert_threshold_is_not_negative' });
});

test('the worst severity that was seen stays', async () => {
	const raise = (severity: 'CRITICAL' | 'WARNING') =>
		raiseAlert(books.pool, { code: 'BOT_PAUSED', severity, subject: 'bot 1', message: 'm', now: start });
	await raise('WARNING');
	await raise('CRITICAL');
	await raise('WARNING');
	expect(await severityOf('BOT_PAUSED')).toEqual({ severity: 'CRITICAL' });
});

test('a closed position has no stop to watch', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	await openPosition(books.pool, bot, { stopLossFraction: 0.02 });
	await look(120);
	expect(await open('POSITION_UNPROTECTED')).toHaveLength(1);
	const close = await submitTrade(
		books.pool,
		await queueTrade(books.pool, bot, { direction: 'CLOSE', now: after(121) }),
		{
			now: after(121),
		},
	);
	await recordOrderResult(books.pool, {
		...{ orderId: close.orderId, workerId, result: 'ACKNOWLEDGED', exchangeOrderId: `ex-${close.orderId}` },
		now: after(122),
	});
	await applyFill(books.pool, close, { at: after(122) });
	await look(123);
	expect(await open('POSITION_UNPROTECTED')).toEqual([]);
});
