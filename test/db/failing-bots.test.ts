/** A bot whose checks fail five times in a row pauses itself, with an alert that ends when it is resumed. */
import { expect, test } from 'vitest';
import { setBotStatus } from '../../src/database/functions/administration.ts';
import { type CheckOptions, check } from '../support/factories/evaluated-checks.ts';
import { openPosition } from '../support/factories/trading.ts';
import { after, type Bot, makeBot, makeFeedFresh, makeWorld } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

async function dueBot(): Promise<Bot> {
	const bot = await makeBot(books.pool, await makeWorld(books.pool), { isDueAtOnce: true });
	await makeFeedFresh(books.pool, bot.instrumentId, after(86_400));
	return bot;
}

/** The bot's next scheduled checks, one after the other, each at the time for which it is due. */
async function fail(bot: Bot, failures: readonly CheckOptions['failure'][]): Promise<void> {
	for (const failure of failures) {
		const due = await one<{ at: Date }>(books.pool, 'select next_check_at as at from bots where id = $1', [bot.id]);
		await check(books.pool, bot, due.at, failure === undefined ? {} : { failure });
	}
}

const state = (bot: Bot) =>
	one(books.pool, 'select status, status_reason, next_check_at, consecutive_failures from bots where id = $1', [
		bot.id,
	]);
const alerts = async (bot: Bot) =>
	(
		await books.pool.query(
			`select severity, message, resolved_at from alerts where code = 'BOT_PAUSED' and subject = $1 order by id`,
			[`bot ${bot.id}`],
		)
	).rows;

test('five in a row pause it, whether they failed or timed out; resuming starts the count anew', async () => {
	const bot = await dueBot();
	await fail(bot, ['FAILED', 'TIMED_OUT', 'FAILED', 'TIMED_OUT']);
	expect(await state(bot)).toMatchObject({ status: 'ACTIVE', consecutive_failures: 4 });
	expect(await alerts(bot)).toEqual([]);

	await fail(bot, ['FAILED']);
	expect(await state(bot)).toEqual({
		status: 'PAUSED',
		status_reason: '5 checks in a row failed, the last with: it threw',
		next_check_at: null,
		consecutive_failures: 0,
	});
	expect(await alerts(bot)).toMatchObject([{ severity: 'WARNING', resolved_at: null }]);
	expect((await alerts(bot))[0].message).toMatch(/paused after 5 failed checks in a row\. The last error: it threw/);
	const { rows: audited } = await books.pool.query(
		`select actor, before ->> 'status' as before, after ->> 'status' as after from audit_log where subject = $1 and action = 'bot.status'`,
		[`bot ${bot.id}`],
	);
	expect(audited).toEqual([{ actor: 'system', before: 'ACTIVE', after: 'PAUSED' }]);

	await setBotStatus(books.pool, { botId: bot.id, status: 'ACTIVE', now: after(1_201) });
	expect(await alerts(bot)).toMatchObject([{ resolved_at: after(1_201) }]);
	await fail(bot, ['FAILED', 'FAILED', 'FAILED', 'FAILED']);
	expect(await state(bot)).toMatchObject({ status: 'ACTIVE', consecutive_failures: 4 });
});

test('a check that succeeds in between starts the count anew', async () => {
	const bot = await dueBot();
	await fail(bot, ['FAILED', 'FAILED', 'FAILED', 'FAILED', undefined, 'FAILED', 'FAILED', 'FAILED', 'FAILED']);
	expect(await state(bot)).toMatchObject({ status: 'ACTIVE', consecutive_failures: 4 });
});

test('a bot that holds a position pauses under a CRITICAL alert, and its position stays', async () => {
	const bot = await dueBot();
	await openPosition(books.pool, bot);
	await fail(bot, ['FAILED', 'FAILED', 'FAILED', 'FAILED', 'FAILED']);
	expect(await alerts(bot)).toMatchObject([{ severity: 'CRITICAL' }]);
	expect((await alerts(bot))[0].message).toContain('its open position is left to its stops');
	expect(await one(books.pool, 'select status from positions where bot_id = $1', [bot.id])).toEqual({ status: 'OPEN' });
});
