/** record_checks: the schedule moves on, the signal is decided once, and a check whose claim was lost counts for nothing. */
import { expect, test } from 'vitest';
import { setBotStatus } from '../../src/database/functions/administration.ts';
import { claimChecks, recordChecks } from '../../src/database/functions/checks.ts';
import { pauseEntries, resumeEntries } from '../../src/database/functions/guards.ts';
import type { BotStatus } from '../../src/domain.ts';
import { type CheckOptions, check, checkOf } from '../support/factories/evaluated-checks.ts';
import { openPosition, workerId } from '../support/factories/trading.ts';
import { after, type Bot, makeBot, makeFeedFresh, makeWorld, start, type World } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

/** Due at once, with market data fresh for the whole test. */
async function dueBot(world?: World): Promise<Bot> {
	const bot = await makeBot(books.pool, world ?? (await makeWorld(books.pool)), { isDueAtOnce: true });
	await makeFeedFresh(books.pool, bot.instrumentId, after(86_400));
	return bot;
}

const botRow = (bot: Bot) => one(books.pool, 'select * from bots where id = $1', [bot.id]);
const count = async (table: string) =>
	(await one<{ count: number }>(books.pool, `select count(*) from ${table}`)).count;

async function claimAt(bot: Bot, dueAt: Date, now = dueAt, worker = workerId) {
	const jobs = [{ bot_id: bot.id, due_at: dueAt.toISOString() }];
	return await claimChecks(books.pool, { jobs, workerId: worker, waitMs: 0, now });
}
const record = (bot: Bot, dueAt: Date, options: CheckOptions & { now?: Date; worker?: string } = {}) =>
	recordChecks(books.pool, {
		checks: [checkOf(bot, dueAt, options)],
		workerId: options.worker ?? workerId,
		now: options.now ?? dueAt,
	});

test.each([
	['on time', 2, 300],
	['late', 299, 300],
	['after its next point', 301, 600],
	['an hour late', 3_601, 3_900],
])('recorded %s the next check lies on the grid', async (_, seconds, next) => {
	const bot = await dueBot();
	expect(await check(books.pool, bot, start, { now: after(seconds) })).toMatchObject({ outcome: 'NO_SIGNAL' });
	expect(await botRow(bot)).toMatchObject({
		next_check_at: after(next),
		last_check_at: after(seconds),
		claimed_by: null,
		claimed_until: null,
	});
});

test('a check is recorded once: twice in a row and twice in a batch', async () => {
	const bot = await dueBot();
	await claimAt(bot, start);
	const checks = [checkOf(bot, start, { decision: 'LONG' }), checkOf(bot, start, { decision: 'LONG' })];
	const recorded = await recordChecks(books.pool, { checks, workerId, now: after(1) });
	expect(recorded).toMatchObject([{ outcome: 'QUEUED' }]);
	expect(await recordChecks(books.pool, { checks, workerId, now: after(2) })).toEqual([]);
	expect([await count('checks'), await count('signals'), await count('trade_queue')]).toEqual([1, 1, 1]);
});

test('a lost claim is not recorded and decides nothing; the worker that repeats the check does', async () => {
	const bot = await dueBot();
	await claimAt(bot, start);
	await claimAt(bot, start, after(31), 'worker-2');
	expect(await record(bot, start, { decision: 'LONG', now: after(32) })).toEqual([]);
	expect([await count('checks'), await count('signals')]).toEqual([0, 0]);
	expect(await record(bot, start, { decision: 'LONG', now: after(33), worker: 'worker-2' })).toMatchObject([
		{ outcome: 'QUEUED' },
	]);
});

test('two connections record the same check at once: it happens once', async () => {
	const bot = await dueBot();
	for (let round = 0; round < 10; round++) {
		const dueAt = after(round * 300);
		await claimAt(bot, dueAt);
		const both = await Promise.all([1, 2].map(() => record(bot, dueAt, { decision: 'LONG' })));
		expect(both.flat()).toHaveLength(1);
	}
	expect(await count('checks')).toBe(10);
});

test.each(['PAUSED', 'STOPPED', 'DELETED'] as const)(
	'a bot that was %s during its check queues nothing',
	async (status: BotStatus) => {
		for (const decision of ['LONG', 'CLOSE'] as const) {
			const bot = await dueBot();
			if (decision === 'CLOSE') await openPosition(books.pool, bot);
			const before = await count('trade_queue');
			await claimAt(bot, start);
			await setBotStatus(books.pool, { botId: bot.id, status, now: after(1) });
			expect(await record(bot, start, { decision, now: after(2) })).toMatchObject([
				{ outcome: 'INACTIVE', reasonCode: 'BOT_NOT_ACTIVE', signalId: null, tradeId: null },
			]);
			expect(await count('trade_queue')).toBe(before);
			expect(await botRow(bot)).toMatchObject({ status, next_check_at: null, claimed_by: null });
		}
	},
);

test('a bot paused and resumed during its check starts afresh: the check that ran is not recorded', async () => {
	const bot = await dueBot();
	await claimAt(bot, start);
	await setBotStatus(books.pool, { botId: bot.id, status: 'PAUSED', now: after(1) });
	await setBotStatus(books.pool, { botId: bot.id, status: 'ACTIVE', now: after(2) });
	expect(await record(bot, start, { decision: 'LONG', now: after(3) })).toEqual([]);
	expect(await botRow(bot)).toMatchObject({ next_check_at: after(300) });
});

test('a changed configuration does not touch the check that runs', async () => {
	const bot = await dueBot();
	await claimAt(bot, start);
	await books.pool.query('update bots set sizing_value = 500 where id = $1', [bot.id]);
	expect(await record(bot, start, { now: after(1) })).toMatchObject([{ outcome: 'NO_SIGNAL' }]);
	expect(await one(books.pool, 'select strategy_version_id from checks')).toEqual({
		strategy_version_id: bot.versionId,
	});
});

test('the same signal rejected again updates its row; once accepted it is a repetition', async () => {
	const bot = await dueBot();
	const candleAt = after(-300);
	await pauseEntries(books.pool, { scope: 'ALL', reason: 'news', now: start });
	const first = await check(books.pool, bot, start, { decision: 'LONG', candleAt });
	const second = await check(books.pool, bot, after(300), { decision: 'LONG', candleAt, price: 101 });
	expect([first, second]).toMatchObject([{ outcome: 'REJECTED' }, { outcome: 'REJECTED', signalId: first.signalId }]);
	expect(await one(books.pool, 'select * from signals')).toMatchObject({
		repeat_count: 1,
		reason_code: 'PAUSED',
		price: '101',
		created_at: start,
		decided_at: after(300),
	});
	await resumeEntries(books.pool, { scope: 'ALL', now: after(301) });
	const third = await check(books.pool, bot, after(600), { decision: 'LONG', candleAt });
	expect(third).toMatchObject({ outcome: 'QUEUED', reasonCode: 'ACCEPTED', signalId: first.signalId });
	const fourth = await check(books.pool, bot, after(900), { decision: 'LONG', candleAt });
	expect(fourth).toMatchObject({ outcome: 'REPEATED', signalId: first.signalId, tradeId: third.tradeId });
	expect([await count('signals'), await count('trade_queue')]).toEqual([1, 1]);
});

test('failures are counted and end with the next check that decides', async () => {
	const bot = await dueBot();
	expect(await check(books.pool, bot, start, { failure: 'FAILED' })).toMatchObject({
		outcome: 'FAILED',
		reasonCode: 'CHECK_FAILED',
	});
	await check(books.pool, bot, after(300), { failure: 'TIMED_OUT' });
	expect(await botRow(bot)).toMatchObject({ consecutive_failures: 2 });
	await check(books.pool, bot, after(600), { failure: 'STALE_DATA' });
	expect(await botRow(bot)).toMatchObject({ consecutive_failures: 0 });
});

test('a dry run decides nothing and says what it would', async () => {
	const bot = await dueBot();
	expect(await check(books.pool, bot, start, { decision: 'LONG', isDryRun: true })).toMatchObject({
		outcome: 'DRY_RUN',
		reasonCode: 'ENTRY_THRESHOLD',
		signalId: null,
	});
	expect(await one(books.pool, 'select decision from checks')).toEqual({ decision: 'LONG' });
	expect(await count('signals')).toBe(0);
});

test('within a batch closes are decided first: what they do not free yet is not promised', async () => {
	const world = await makeWorld(books.pool, { account: { maxPositions: 1 } });
	const [entering, closing] = [await dueBot(world), await dueBot(world)];
	await openPosition(books.pool, closing);
	for (const bot of [entering, closing]) await claimAt(bot, start);
	const checks = [checkOf(entering, start, { decision: 'LONG' }), checkOf(closing, start, { decision: 'CLOSE' })];
	const recorded = await recordChecks(books.pool, { checks, workerId, now: after(1) });
	expect(Object.fromEntries(recorded.map(({ botId, reasonCode }) => [botId, reasonCode]))).toEqual({
		[entering.id]: 'MAX_POSITIONS',
		[closing.id]: 'ACCEPTED',
	});
});

test('a scheduled and a manual check in one batch are recorded each for itself', async () => {
	const [scheduled, manual] = [await dueBot(), await dueBot()];
	await claimAt(scheduled, start);
	await books.pool.query(`update bots set claimed_by = $2, claimed_until = $3 where id = $1`, [
		manual.id,
		workerId,
		after(30),
	]);
	const checks = [checkOf(scheduled, start), checkOf(manual, after(7), { kind: 'MANUAL', decision: 'LONG' })];
	const recorded = await recordChecks(books.pool, { checks, workerId, now: after(8) });
	expect(recorded.map(({ kind, outcome }) => `${kind} ${outcome}`).toSorted()).toEqual([
		'MANUAL QUEUED',
		'SCHEDULED NO_SIGNAL',
	]);
	expect(await botRow(manual)).toMatchObject({ next_check_at: start });
});

test('an empty batch is nothing', async () => {
	expect(await recordChecks(books.pool, { checks: [], workerId, now: start })).toEqual([]);
});
