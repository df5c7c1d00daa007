/** Adaptive intervals: one step shorter in HIGH volatility, one longer in LOW, always on the grid, each change recorded once. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { setBotStatus } from '../../src/database/functions/administration.ts';
import { findDueBots, recordChecks } from '../../src/database/functions/checks.ts';
import { type IntervalMinutes, intervals, type RegimeVolatility } from '../../src/domain.ts';
import { type CheckOptions, check, checkOf } from '../support/factories/evaluated-checks.ts';
import { workerId } from '../support/factories/trading.ts';
import { after, type Bot, makeBot, makeFeedFresh, makeWorld, start } from '../support/factories/world.ts';
import { empty, one, openBooks } from './books.ts';

const books = openBooks();

interface Schedule {
	readonly interval: IntervalMinutes;
	readonly next: Date;
}

async function adaptiveBot(intervalMinutes: IntervalMinutes, isAdaptive = true): Promise<Bot> {
	const bot = await makeBot(books.pool, await makeWorld(books.pool), {
		intervalMinutes,
		isAdaptive,
		isDueAtOnce: true,
	});
	await makeFeedFresh(books.pool, bot.instrumentId, after(30 * 86_400));
	return bot;
}
const scheduleOf = (bot: Bot) =>
	one<Schedule>(books.pool, 'select interval_minutes as interval, next_check_at as next from bots where id = $1', [
		bot.id,
	]);
async function changes(bot: Bot) {
	const { rows } = await books.pool.query(
		`select changed_at as at, from_minutes as "from", to_minutes as "to", regime_volatility as volatility
		   from interval_changes where bot_id = $1 order by changed_at`,
		[bot.id],
	);
	return rows;
}

/** The next scheduled check of the bot, as soon as it is due. */
async function checkNext(bot: Bot, options: CheckOptions & { lateSeconds?: number } = {}): Promise<Schedule> {
	const { next } = await scheduleOf(bot);
	await check(books.pool, bot, next, {
		...options,
		now: new Date(next.getTime() + (options.lateSeconds ?? 0) * 1_000),
	});
	return await scheduleOf(bot);
}

const steps: readonly [IntervalMinutes, RegimeVolatility, IntervalMinutes][] = [
	[1, 'HIGH', 1],
	[1, 'LOW', 5],
	[5, 'HIGH', 1],
	[5, 'LOW', 15],
	[15, 'HIGH', 5],
	[15, 'LOW', 60],
	[60, 'HIGH', 15],
	[60, 'LOW', 60],
];
test.each(steps)('a bot of %i minutes in %s volatility is checked every %i', async (base, volatility, expected) => {
	const bot = await adaptiveBot(base);
	expect(await checkNext(bot, { volatility })).toEqual({ interval: expected, next: after(expected * 60) });
	expect(await changes(bot)).toEqual(expected === base ? [] : [{ at: start, from: base, to: expected, volatility }]);
});

test('it counts from the base, not from the present interval, and comes back to it', async () => {
	const bot = await adaptiveBot(5);
	expect((await checkNext(bot, { volatility: 'HIGH' })).interval).toBe(1);
	expect((await checkNext(bot, { volatility: 'HIGH' })).interval).toBe(1);
	expect(await checkNext(bot, { volatility: 'NORMAL' })).toEqual({ interval: 5, next: after(300) });
	expect(await checkNext(bot, { volatility: 'LOW' })).toEqual({ interval: 15, next: after(900) });
	expect(await changes(bot)).toMatchObject([
		{ from: 5, to: 1, volatility: 'HIGH' },
		{ from: 1, to: 5, volatility: 'NORMAL' },
		{ from: 5, to: 15, volatility: 'LOW' },
	]);
});

test('off by default; a manual check, an unknown regime and stale data change nothing', async () => {
	const fixed = await adaptiveBot(5, false);
	expect((await checkNext(fixed, { volatility: 'HIGH' })).interval).toBe(5);
	const bot = await adaptiveBot(5);
	expect((await checkNext(bot, { volatility: null })).interval).toBe(5);
	expect((await checkNext(bot, { volatility: 'HIGH', failure: 'STALE_DATA' })).interval).toBe(5);
	const before = await scheduleOf(bot);
	await books.pool.query(`update bots set claimed_by = $2, claimed_until = $3 where id = $1`, [
		bot.id,
		workerId,
		after(900),
	]);
	const manual = checkOf(bot, after(400), { kind: 'MANUAL', volatility: 'HIGH' });
	expect(await recordChecks(books.pool, { checks: [manual], workerId, now: after(400) })).toHaveLength(1);
	expect(await scheduleOf(bot)).toEqual(before);
	expect(await changes(bot)).toEqual([]);
});

test('recorded twice, or after the bot was paused, the change happens once or not at all', async () => {
	const bot = await adaptiveBot(15);
	await checkNext(bot, { volatility: 'HIGH' });
	const again = [checkOf(bot, start, { volatility: 'HIGH' }), checkOf(bot, start, { volatility: 'LOW' })];
	expect(await recordChecks(books.pool, { checks: again, workerId, now: after(1) })).toEqual([]);
	expect(await scheduleOf(bot)).toEqual({ interval: 5, next: after(300) });
	expect(await changes(bot)).toHaveLength(1);
	await books.pool.query(`update bots set claimed_by = $2, claimed_until = $3 where id = $1`, [
		bot.id,
		workerId,
		after(900),
	]);
	await setBotStatus(books.pool, { botId: bot.id, status: 'PAUSED', now: after(300) });
	const paused = checkOf(bot, after(300), { volatility: 'LOW' });
	await recordChecks(books.pool, { checks: [paused], workerId, now: after(301) });
	expect(await changes(bot)).toHaveLength(1);
	await setBotStatus(books.pool, { botId: bot.id, status: 'ACTIVE', now: after(420) });
	expect(await scheduleOf(bot)).toEqual({ interval: 5, next: after(600) });
});

const step = fc.record({
	volatility: fc.constantFrom<RegimeVolatility | null>('LOW', 'NORMAL', 'HIGH', null),
	lateSeconds: fc.oneof(fc.nat(30), fc.nat(9_000)),
});

test('any sequence of regimes keeps the grid, and the next check is at most one interval after the last', async () => {
	await fc.assert(
		fc.asyncProperty(
			fc.constantFrom(...intervals),
			fc.array(step, { minLength: 5, maxLength: 25 }),
			async (base, walk) => {
				await empty(books.pool);
				const bot = await adaptiveBot(base);
				const expected: unknown[] = [];
				for (const { volatility, lateSeconds } of walk) {
					const { next: dueAt, interval } = await scheduleOf(bot);
					const recordedAt = dueAt.getTime() + lateSeconds * 1_000;
					expect(await findDueBots(books.pool, { now: dueAt })).toMatchObject([{ botId: bot.id, dueAt }]);
					const now = await checkNext(bot, { volatility, lateSeconds });
					const length = now.interval * 60_000;
					expect(now.next.getTime() % length).toBe(0);
					expect(now.next.getTime()).toBeGreaterThan(recordedAt);
					expect(now.next.getTime() - recordedAt).toBeLessThanOrEqual(length);
					expect(Math.abs(intervals.indexOf(now.interval) - intervals.indexOf(base))).toBeLessThanOrEqual(1);
					if (now.interval !== interval) {
						expected.push({ at: new Date(recordedAt), from: interval, to: now.interval, volatility });
					}
				}
				expect(await changes(bot)).toEqual(expected);
			},
		),
		{ numRuns: 25 },
	);
});
