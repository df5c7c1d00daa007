/** claim_checks: which bots a worker may check now, each by one worker at a time. */
import { expect, test } from 'vitest';
import { setBotStatus } from '../../src/database/functions/administration.ts';
import {
	claimChecks,
	claimManualCheck,
	findDueBots,
	recordChecks,
	releaseChecks,
} from '../../src/database/functions/checks.ts';
import { recordExchangeResult } from '../../src/database/functions/guards.ts';
import { check, checkOf } from '../support/factories/evaluated-checks.ts';
import { openPosition, workerId } from '../support/factories/trading.ts';
import { after, type Bot, makeBot, makeFeedFresh, makeWorld, start } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

async function readyBot(): Promise<Bot> {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world, { isDueAtOnce: true });
	await makeFeedFresh(books.pool, bot.instrumentId, start);
	return bot;
}

async function claim(
	bots: Bot | readonly Bot[],
	options: { dueAt?: Date; workerId?: string; leaseMs?: number; now?: Date } = {},
) {
	const { dueAt = start, ...rest } = options;
	const jobs = [bots].flat().map(({ id }) => ({ bot_id: id, due_at: dueAt.toISOString() }));
	return await claimChecks(books.pool, { jobs, workerId, now: start, ...rest });
}
const verdicts = async (...args: Parameters<typeof claim>) => (await claim(...args)).map(({ verdict }) => verdict);

test('CLAIMED with the market and the position that the check needs', async () => {
	const bot = await readyBot();
	expect(await claim(bot)).toMatchObject([
		{
			verdict: 'CLAIMED',
			botId: bot.id,
			instrumentId: bot.instrumentId,
			dataFetchedAt: start,
			positionDirection: null,
		},
	]);
	await releaseChecks(books.pool, { botIds: [bot.id], workerId });
	await openPosition(books.pool, bot, { direction: 'SHORT', price: 100 });
	expect(await claim(bot)).toMatchObject([
		{ positionDirection: 'SHORT', positionQuantity: '10.000', positionEntryPrice: '100', positionOpenedAt: start },
	]);
});

test('BUSY while another worker holds the claim, free again when its lease lapses or it hands it back', async () => {
	const bot = await readyBot();
	expect(await verdicts(bot, { leaseMs: 30_000 })).toEqual(['CLAIMED']);
	expect(await verdicts(bot, { workerId: 'worker-2', now: after(29.9) })).toEqual(['BUSY']);
	expect(await verdicts(bot, { workerId: 'worker-2', now: after(30) })).toEqual(['CLAIMED']);
	expect(await releaseChecks(books.pool, { botIds: [bot.id], workerId })).toBe(0);
	expect(await releaseChecks(books.pool, { botIds: [bot.id], workerId: 'worker-2' })).toBe(1);
	expect(await verdicts(bot, { now: after(31) })).toEqual(['CLAIMED']);
});

test('NOT_READY until the feed has fetched past the due time, but no longer than 10 s', async () => {
	const bot = await readyBot();
	await makeFeedFresh(books.pool, bot.instrumentId, after(-1));
	expect(await verdicts(bot, { now: after(9.9) })).toEqual(['NOT_READY']);
	expect(await verdicts(bot, { now: after(10) })).toEqual(['CLAIMED']);
});

test('a new bot waits up to a minute for the first fetch of its feed', async () => {
	const bot = await readyBot();
	await books.pool.query('update feeds set fetched_at = null');
	expect(await verdicts(bot, { now: after(59) })).toEqual(['NOT_READY']);
	expect(await verdicts(bot, { now: after(60) })).toEqual(['CLAIMED']);
});

test('GONE: checked already, not active, or never there', async () => {
	const [done, paused] = [await readyBot(), await readyBot()];
	await check(books.pool, done, start);
	await setBotStatus(books.pool, { botId: paused.id, status: 'PAUSED', now: start });
	expect(await verdicts([done, paused, { ...paused, id: 999_999 }])).toEqual(['GONE', 'GONE', 'GONE']);
});

test('two jobs of one bot, one of them stale: only the present one is claimed', async () => {
	const bot = await readyBot();
	const jobs = [after(-300), start].map((dueAt) => ({ bot_id: bot.id, due_at: dueAt.toISOString() }));
	const claims = await claimChecks(books.pool, { jobs, workerId, now: start });
	expect(Object.fromEntries(claims.map(({ dueAt, verdict }) => [dueAt.toISOString(), verdict]))).toEqual({
		[after(-300).toISOString()]: 'GONE',
		[start.toISOString()]: 'CLAIMED',
	});
	const checks = [checkOf(bot, after(-300)), checkOf(bot, start)];
	expect(await recordChecks(books.pool, { checks, workerId, now: after(1) })).toMatchObject([{ dueAt: start }]);
});

test('two workers race for the same bots: each bot is claimed once', async () => {
	const world = await makeWorld(books.pool);
	await makeFeedFresh(books.pool, world.instrument.id, start);
	const bots: Bot[] = [];
	for (let index = 0; index < 100; index++) bots.push(await makeBot(books.pool, world, { isDueAtOnce: true }));
	for (let round = 0; round < 10; round++) {
		const workers = ['worker-1', 'worker-2', 'worker-3', 'worker-4'];
		const claims = await Promise.all(
			workers.map((worker, index) => claim(index % 2 === 0 ? bots : bots.toReversed(), { workerId: worker })),
		);
		const won = claims.flat().filter(({ verdict }) => verdict === 'CLAIMED');
		expect(won).toHaveLength(100);
		expect(new Set(won.map(({ botId }) => botId)).size).toBe(100);
		expect(new Set(claims.flat().map(({ verdict }) => verdict))).toEqual(new Set(['CLAIMED', 'BUSY']));
		await books.pool.query('update bots set claimed_by = null, claimed_until = null');
	}
});

test('a worker that stalls for its whole lease delays the bots that it holds, and no others', async () => {
	const world = await makeWorld(books.pool);
	await makeFeedFresh(books.pool, world.instrument.id, after(60));
	const bots: Bot[] = [];
	for (let index = 0; index < 20; index++) bots.push(await makeBot(books.pool, world, { isDueAtOnce: true }));
	const [held, free] = [bots.slice(0, 10), bots.slice(10)];
	const idsOf = (some: readonly { readonly id: number }[]) => some.map(({ id }) => id);
	const due = async (now: Date) => (await findDueBots(books.pool, { now })).map(({ botId }) => botId);
	const recordedBy = async (worker: string, some: readonly Bot[], now: Date) => {
		const checks = some.map((bot) => checkOf(bot, start));
		return (await recordChecks(books.pool, { checks, workerId: worker, now })).map(({ botId }) => botId);
	};

	expect(new Set(await verdicts(held, { workerId: 'stalled' }))).toEqual(new Set(['CLAIMED']));
	expect(await due(after(0.1))).toEqual(idsOf(free));
	expect(new Set(await verdicts(free, { workerId: 'worker-2', now: after(0.1) }))).toEqual(new Set(['CLAIMED']));
	expect((await recordedBy('worker-2', free, after(0.2))).toSorted((a, b) => a - b)).toEqual(idsOf(free));

	expect(await due(after(29.9))).toEqual([]);
	expect(await due(after(30))).toEqual(idsOf(held));
	expect(new Set(await verdicts(held, { workerId: 'worker-2', now: after(30) }))).toEqual(new Set(['CLAIMED']));
	// It wakes when others have its bots, and once more when they are done: what it found out counts for nothing.
	expect(await recordedBy('stalled', held, after(30.1))).toEqual([]);
	expect((await recordedBy('worker-2', held, after(30.2))).toSorted((a, b) => a - b)).toEqual(idsOf(held));
	expect(await recordedBy('stalled', held, after(30.3))).toEqual([]);
	expect(
		await one(
			books.pool,
			'select count(*)::integer as checks, count(distinct bot_id)::integer as bots, count(distinct worker_id)::integer as workers from checks',
		),
	).toEqual({ checks: 20, bots: 20, workers: 1 });
});

test('a manual check takes the same claim, of a paused bot too, and leaves the schedule alone', async () => {
	const bot = await readyBot();
	const manual = (now: Date, worker = workerId) =>
		claimManualCheck(books.pool, { botId: bot.id, workerId: worker, leaseMs: 30_000, now });
	expect(await manual(start)).toMatchObject([{ verdict: 'CLAIMED', instrumentId: bot.instrumentId }]);
	expect(await manual(start, 'worker-2')).toMatchObject([{ verdict: 'BUSY' }]);
	expect(await verdicts(bot, { workerId: 'worker-2' })).toEqual(['BUSY']);
	const checks = [checkOf(bot, after(3), { kind: 'MANUAL' })];
	expect(await recordChecks(books.pool, { checks, workerId, now: after(4) })).toMatchObject([
		{ kind: 'MANUAL', outcome: 'NO_SIGNAL' },
	]);
	expect(await one(books.pool, 'select next_check_at, claimed_by from bots')).toEqual({
		next_check_at: start,
		claimed_by: null,
	});
	await setBotStatus(books.pool, { botId: bot.id, status: 'PAUSED', now: after(5) });
	expect(await manual(after(5))).toMatchObject([{ verdict: 'CLAIMED' }]);
	await setBotStatus(books.pool, { botId: bot.id, status: 'DELETED', now: after(6) });
	expect(await manual(after(60))).toMatchObject([{ verdict: 'GONE' }]);
	expect(await claimManualCheck(books.pool, { botId: 999_999, workerId, now: start })).toEqual([]);
});

test('due are active bots that nobody is checking, the longest waiting first; those of a resting exchange wait', async () => {
	const world = await makeWorld(books.pool);
	const late = await makeBot(books.pool, world, { now: after(-600) });
	const due = await makeBot(books.pool, world, { isDueAtOnce: true });
	const [next, paused, busy] = [
		await makeBot(books.pool, world),
		await makeBot(books.pool, world, { isDueAtOnce: true }),
		await makeBot(books.pool, world, { isDueAtOnce: true }),
	];
	await setBotStatus(books.pool, { botId: paused.id, status: 'STOPPED', now: start });
	await makeFeedFresh(books.pool, busy.instrumentId, start);
	await claim(busy, { now: after(10) });
	const found = async (now: Date, limit?: number) =>
		(await findDueBots(books.pool, { now, limit })).map(({ botId }) => botId);
	expect(await found(after(20))).toEqual([late.id, due.id]);
	expect(await found(after(20), 1)).toEqual([late.id]);
	expect(await found(after(300))).toEqual([late.id, due.id, busy.id, next.id]);
	await recordExchangeResult(books.pool, { exchangeId: 'sim', isSuccess: false, bannedForMs: 600_000, now: start });
	expect(await found(after(300))).toEqual([]);
});
