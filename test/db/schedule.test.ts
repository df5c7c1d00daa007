/** The schedule by itself: simulated days of ticks in SQL alone. */
import { expect, test } from 'vitest';
import { setBotStatus } from '../../src/database/functions/administration.ts';
import { findDueBots, recordTick } from '../../src/database/functions/checks.ts';
import { check } from '../support/factories/evaluated-checks.ts';
import { workerId } from '../support/factories/trading.ts';
import { after, type Bot, makeBot, makeFeedFresh, makeWorld, start } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

/** One tick a minute over the bots that were `made`, from `from` to before `to`, in seconds after start; every due bot is checked at once. Answers due times by bot. */
async function run(made: Record<number, Bot>, from: number, to: number): Promise<Map<number, Date[]>> {
	const byId = new Map(Object.values(made).map((bot) => [bot.id, bot]));
	const checked = new Map<number, Date[]>();
	for (let seconds = from; seconds < to; seconds += 60) {
		const now = after(seconds);
		for (const { botId, dueAt } of await findDueBots(books.pool, { now })) {
			await check(books.pool, byId.get(botId)!, dueAt, { now: after(seconds + 0.4) });
			checked.set(botId, [...(checked.get(botId) ?? []), dueAt]);
		}
	}
	return checked;
}

async function bots(): Promise<Record<1 | 5 | 15 | 60, Bot>> {
	const world = await makeWorld(books.pool);
	await makeFeedFresh(books.pool, world.instrument.id, after(2 * 86_400));
	const make = (intervalMinutes: 1 | 5 | 15 | 60) => makeBot(books.pool, world, { intervalMinutes, isDueAtOnce: true });
	return { 1: await make(1), 5: await make(5), 15: await make(15), 60: await make(60) };
}

test('in a day of ticks a 5-minute bot is due exactly 288 times, each time on its grid', async () => {
	const made = await bots();
	await setBotStatus(books.pool, { botId: made[1].id, status: 'STOPPED', now: start });
	const checked = await run(made, 0, 86_400);
	expect(checked.get(made[5].id)).toEqual(Array.from({ length: 288 }, (_, index) => after(index * 300)));
	expect(checked.get(made[15].id)).toEqual(Array.from({ length: 96 }, (_, index) => after(index * 900)));
	expect(checked.get(made[60].id)).toEqual(Array.from({ length: 24 }, (_, index) => after(index * 3_600)));
	expect(checked.has(made[1].id)).toBe(false);
});

test('after an hour without workers every bot is checked once at once, then on its grid', async () => {
	const made = await bots();
	await run(made, 0, 600);
	const checked = await run(made, 600 + 3_600, 600 + 3_600 + 1_200);
	expect(checked.get(made[5].id)).toEqual([after(600), after(4_500), after(4_800), after(5_100)]);
	expect(checked.get(made[1].id)?.slice(0, 3)).toEqual([after(600), after(4_260), after(4_320)]);
	expect(checked.get(made[15].id)).toEqual([after(900), after(4_500)]);
	expect(checked.get(made[60].id)).toEqual([after(3_600)]);
});

test('a clock that jumps back does not check anything twice', async () => {
	const made = await bots();
	await run(made, 0, 900);
	expect(await findDueBots(books.pool, { now: after(300) })).toEqual([]);
	expect((await run(made, 300, 1_200)).get(made[5].id)).toEqual([after(900)]);
});

test('a bot that comes back is due at the next point of its grid', async () => {
	const made = await bots();
	await setBotStatus(books.pool, { botId: made[15].id, status: 'PAUSED', now: after(60) });
	expect(await one(books.pool, 'select next_check_at from bots where id = $1', [made[15].id])).toEqual({
		next_check_at: null,
	});
	await setBotStatus(books.pool, { botId: made[15].id, status: 'ACTIVE', now: after(1_000) });
	expect(await one(books.pool, 'select next_check_at from bots where id = $1', [made[15].id])).toEqual({
		next_check_at: after(1_800),
	});
});

test('a deleted bot stays deleted, an unknown one is null, and the same status twice is one change', async () => {
	const made = await bots();
	const set = (botId: number, status: 'ACTIVE' | 'PAUSED' | 'DELETED') =>
		setBotStatus(books.pool, { botId, status, actor: 'me', now: start });
	expect(await set(999_999, 'PAUSED')).toBeNull();
	expect(await set(made[1].id, 'PAUSED')).toBe('PAUSED');
	expect(await set(made[1].id, 'PAUSED')).toBe('PAUSED');
	expect(await set(made[5].id, 'DELETED')).toBe('DELETED');
	await expect(set(made[5].id, 'ACTIVE')).rejects.toThrow(/is deleted/);
	expect(await one(books.pool, `select count(*) from audit_log where action = 'bot.status'`)).toEqual({ count: 2 });
});

test('a second tick in the same minute adds to its row', async () => {
	await recordTick(books.pool, { workerId, dueBots: 3, durationMs: 5, now: after(2) });
	await recordTick(books.pool, { workerId, dueBots: 2, durationMs: 4, now: after(59) });
	expect(await one(books.pool, 'select tick_at, due_bots, duration_ms from ticks')).toEqual({
		tick_at: start,
		due_bots: 5,
		duration_ms: 5,
	});
});
