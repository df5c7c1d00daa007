/** Minutes are counted once they are over: what was due, what was checked in time, what an outage missed, and nothing else. */
import { expect, test } from 'vitest';
import { setBotStatus } from '../../src/database/functions/administration.ts';
import { pruneHistory, recordCheckMinutes } from '../../src/database/functions/history.ts';
import { check } from '../support/factories/evaluated-checks.ts';
import { after as at, type Bot, makeBot, makeFeedFresh, makeWorld, type World } from '../support/factories/world.ts';
import { openBooks } from './books.ts';

const books = openBooks();
const minute = 60;

async function makeMinuteBot(world: World, options: Parameters<typeof makeBot>[2] = {}): Promise<Bot> {
	const bot = await makeBot(books.pool, world, { intervalMinutes: 1, now: at(0), ...options });
	await makeFeedFresh(books.pool, bot.instrumentId, at(86_400));
	return bot;
}

/** `[minute, due, in time, answered, recorded]` of each counted minute, minutes since the start. */
async function counted(): Promise<number[][]> {
	const { rows } = await books.pool.query(
		`select (extract(epoch from minute_at - $1) / 60)::integer as m, due, in_time, answered, checks from botbox.check_minutes order by 1`,
		[at(0)],
	);
	return rows.map((row) => [row.m, row.due, row.in_time, row.answered, row.checks]);
}

const count = (seconds: number) => recordCheckMinutes(books.pool, { now: at(seconds) });
const checkAt = (bot: Bot, m: number, lateSeconds = 1, options = {}) =>
	check(books.pool, bot, at(m * minute), { now: at(m * minute + lateSeconds), ...options });

test('minutes checked in time are covered, once they are over and only once', async () => {
	const bot = await makeMinuteBot(await makeWorld(books.pool));
	for (const m of [1, 2, 3]) await checkAt(bot, m);
	// The third minute is not over for two minutes yet.
	expect(await count(5 * minute + 59)).toBe(2);
	expect(await count(5 * minute + 59)).toBe(0);
	await checkAt(bot, 4);
	await checkAt(bot, 5);
	expect(await count(7 * minute)).toBe(2);
	expect(await counted()).toEqual([1, 2, 3, 4].map((m) => [m, 1, 1, 1, 1]));
});

test('a check that comes late counts against its own minute and those that it stands for', async () => {
	const bot = await makeMinuteBot(await makeWorld(books.pool));
	await checkAt(bot, 1);
	// Due at 2, recorded at 6:30: the points 3 and 4 of its grid had no check within two minutes; it is in time for 5 and 6.
	await checkAt(bot, 2, 4 * minute + 30);
	await checkAt(bot, 7);
	await count(10 * minute);
	expect(await counted()).toEqual([
		[1, 1, 1, 1, 1],
		[2, 1, 0, 0, 0],
		[3, 1, 0, 0, 0],
		[4, 1, 0, 0, 0],
		[6, 0, 0, 0, 1],
		[7, 1, 1, 1, 1],
	]);
});

test('an outage is counted minute by minute, the same whether it is looked at during it or after it', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeMinuteBot(world);
	const slow = await makeMinuteBot(world, { intervalMinutes: 5 });
	await checkAt(bot, 1);
	await count(4 * minute);
	// Nobody checks; the monitor goes on, until both are checked at 12.
	for (let m = 5; m <= 11; m++) await count(m * minute);
	await checkAt(bot, 2, 10 * minute);
	await checkAt(slow, 5, 7 * minute);
	await count(14 * minute);
	const during = await counted();
	await books.pool.query('truncate botbox.check_minutes');
	await count(14 * minute);
	expect(await counted()).toEqual(during);
	expect(during).toEqual([
		[1, 1, 1, 1, 1],
		...[2, 3, 4].map((m) => [m, 1, 0, 0, 0]),
		[5, 2, 0, 0, 0],
		...[6, 7, 8, 9].map((m) => [m, 1, 0, 0, 0]),
		[10, 2, 0, 0, 0],
	]);
});

test('nothing due is no outage: of a paused bot, and before a bot was there', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeMinuteBot(world);
	await checkAt(bot, 1);
	await setBotStatus(books.pool, { botId: bot.id, status: 'PAUSED', now: at(1 * minute + 30) });
	await count(60 * minute);
	expect(await counted()).toEqual([[1, 1, 1, 1, 1]]);
	await setBotStatus(books.pool, { botId: bot.id, status: 'ACTIVE', now: at(60 * minute + 30) });
	// Due at once, at the hour's point of its grid, half an hour before it was made.
	const fresh = await makeMinuteBot(world, { intervalMinutes: 60, isDueAtOnce: true, now: at(90 * minute) });
	const { rows } = await books.pool.query('select next_check_at from botbox.bots where id = $1', [fresh.id]);
	await check(books.pool, fresh, rows[0].next_check_at, { now: at(90 * minute + 1) });
	await checkAt(bot, 61);
	await setBotStatus(books.pool, { botId: bot.id, status: 'PAUSED', now: at(61 * minute + 30) });
	await count(95 * minute);
	expect(await counted()).toEqual([
		[1, 1, 1, 1, 1],
		[61, 1, 1, 1, 1],
		[90, 1, 1, 1, 1],
	]);
});

test('a failed check was made, and did not answer', async () => {
	const bot = await makeMinuteBot(await makeWorld(books.pool));
	await checkAt(bot, 1, 1, { failure: 'FAILED' });
	await count(10 * minute);
	expect((await counted())[0]).toEqual([1, 1, 1, 0, 1]);
	const { rows } = await books.pool.query(
		'select checks, failed, failure_rate, late_ms_max from reporting.check_activity_hourly',
	);
	expect(rows).toEqual([{ checks: 1, failed: 1, failure_rate: 1, late_ms_max: 1_000 }]);
});

test('the view adds what is overdue now, and shares are of minutes with a due bot only', async () => {
	const world = await makeWorld(books.pool);
	const now = new Date();
	const hourAgo = new Date(Math.floor(now.getTime() / 60_000) * 60_000 - 3_600_000);
	const bot = await makeMinuteBot(world, { now: new Date(hourAgo.getTime() - 1) });
	const total = async () => {
		const { rows } = await books.pool.query(
			'select sum(minutes_due)::integer as due, sum(minutes_covered)::integer as covered from reporting.uptime',
		);
		return rows[0];
	};
	// Never checked and nothing counted: an hour less the minutes that are not over.
	const before = await total();
	expect(before.covered).toBe(0);
	expect(before.due).toBeGreaterThanOrEqual(58);
	await recordCheckMinutes(books.pool, { now });
	const afterwards = await total();
	expect(afterwards.covered).toBe(0);
	expect(afterwards.due).toBeGreaterThanOrEqual(before.due);
	expect(afterwards.due).toBeLessThanOrEqual(before.due + 2);
	await setBotStatus(books.pool, { botId: bot.id, status: 'PAUSED' });
	await books.pool.query('truncate botbox.check_minutes');
	expect(await total()).toEqual({ due: null, covered: null });
});

test('counted minutes go after a year', async () => {
	const bot = await makeMinuteBot(await makeWorld(books.pool));
	await checkAt(bot, 1);
	await checkAt(bot, 2);
	await count(5 * minute);
	await setBotStatus(books.pool, { botId: bot.id, status: 'PAUSED', now: at(5 * minute) });
	await pruneHistory(books.pool, { now: at(365 * 86_400 + 90) });
	expect((await counted()).map(([m]) => m)).toEqual([2]);
});
