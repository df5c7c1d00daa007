/** Bots change to another version of their strategy between two checks; a check under way keeps its own. */
import { expect, test } from 'vitest';
import {
	recordStrategies,
	recordStrategyVersion,
	setBotStatus,
	setBotsStrategyVersion,
} from '../../src/database/functions/administration.ts';
import { claimChecks, recordChecks } from '../../src/database/functions/checks.ts';
import { checkOf } from '../support/factories/evaluated-checks.ts';
import { openPosition, workerId } from '../support/factories/trading.ts';
import {
	after,
	type Bot,
	makeBot,
	makeFeedFresh,
	makeStrategyVersion,
	makeWorld,
	start,
	type World,
} from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

const versionOf = async (bot: Bot) =>
	(await one<{ id: number }>(books.pool, 'select strategy_version_id as id from bots where id = $1', [bot.id])).id;
const move = (bots: readonly Bot[], strategyVersionId: number) =>
	setBotsStrategyVersion(books.pool, {
		botIds: bots.map(({ id }) => id),
		strategyVersionId,
		actor: 'test',
		now: after(60),
	});

async function world(): Promise<World> {
	return await makeWorld(books.pool, { version: { favourableRegimes: ['TRENDING_UP'] } });
}

test('moves bots to the version, says which, and writes each into the audit log', async () => {
	const here = await world();
	const [first, second, deleted] = [
		await makeBot(books.pool, here),
		await makeBot(books.pool, here),
		await makeBot(books.pool, here),
	];
	await setBotStatus(books.pool, { botId: deleted.id, status: 'DELETED', now: start });
	const next = await makeStrategyVersion(books.pool);
	expect(await move([second, first, deleted], next)).toMatchObject([
		{ botId: first.id, fromVersion: 1, toVersion: 2 },
		{ botId: second.id, fromVersion: 1, toVersion: 2 },
	]);
	expect(await Promise.all([first, second, deleted].map(versionOf))).toEqual([next, next, here.versionId]);
	expect(await move([first, second], next)).toEqual([]);
	const { rows } = await books.pool.query(
		`select actor, subject, before, after from audit_log where action = 'bot.strategy_version' order by id`,
	);
	expect(rows).toEqual(
		[first, second].map((bot) => ({
			actor: 'test',
			subject: `bot ${bot.id}`,
			before: { strategy_version_id: here.versionId, version: 1 },
			after: { strategy_version_id: next, version: 2 },
		})),
	);
});

test('all or none: a bot of another strategy, or with other legs, is refused', async () => {
	const here = await world();
	const bot = await makeBot(books.pool, here);
	await recordStrategies(books.pool, {
		strategies: [{ id: 'S-OTHER', name: 'other', title: 'Other', default_interval_minutes: 5 }],
	});
	const version = { parameters: {}, timeframe: '5m', history: 10, favourableRegimes: ['RANGING'], now: start } as const;
	const foreign = await recordStrategyVersion(books.pool, { ...version, strategyId: 'S-OTHER' });
	const pair = await recordStrategyVersion(books.pool, { ...version, strategyId: 'S-TEST', legs: 2 });
	const ofOther = await makeBot(books.pool, { ...here, versionId: foreign });
	await expect(move([bot, ofOther], await makeStrategyVersion(books.pool))).rejects.toMatchObject({
		constraint: 'bot_stays_with_its_strategy',
	});
	await expect(move([bot], pair)).rejects.toMatchObject({ constraint: 'bot_has_the_legs_of_its_strategy' });
	await expect(move([bot], 999_999)).rejects.toThrow('there is no strategy version 999999');
	expect(await versionOf(bot)).toBe(here.versionId);
	expect(await one(books.pool, `select count(*) from audit_log where action = 'bot.strategy_version'`)).toEqual({
		count: 0,
	});
});

test('a bot that holds a position moves and keeps it, stops included; profit counts to the version that opened it', async () => {
	const here = await world();
	const bot = await makeBot(books.pool, here);
	await openPosition(books.pool, bot, { stopLossFraction: 0.02 });
	const positionOf = () => one(books.pool, 'select * from positions where bot_id = $1', [bot.id]);
	const before = await positionOf();
	expect(before).toMatchObject({ status: 'OPEN', strategy_version_id: here.versionId, stop_loss_price: '98.00' });
	expect(await move([bot], await makeStrategyVersion(books.pool))).toHaveLength(1);
	expect(await positionOf()).toEqual(before);
	expect(
		await one(
			books.pool,
			`select open_positions, bots from reporting.strategy_performance where strategy_version_id = $1`,
			[here.versionId],
		),
	).toEqual({ open_positions: 1, bots: 0 });
});

test('a version set between claim and record is the next check’s: this one decides and is recorded with its own', async () => {
	const here = await world();
	const bot = await makeBot(books.pool, here, { isDueAtOnce: true });
	await makeFeedFresh(books.pool, bot.instrumentId, after(3_600));
	const jobs = [{ bot_id: bot.id, due_at: start.toISOString() }];
	const [claim] = await claimChecks(books.pool, { jobs, workerId, waitMs: 0, now: start });
	expect(claim).toMatchObject({ verdict: 'CLAIMED', strategyVersionId: here.versionId });

	// The market trends up, which only the version that was claimed is made for.
	const next = await makeStrategyVersion(books.pool, { favourableRegimes: ['RANGING'] });
	await move([bot], next);
	const checks = [{ ...checkOf(bot, start, { decision: 'LONG' }), strategy_version_id: here.versionId }];
	expect(await recordChecks(books.pool, { checks, workerId, now: after(61) })).toMatchObject([{ outcome: 'QUEUED' }]);
	for (const table of ['checks', 'signals', 'trade_queue']) {
		expect(await one(books.pool, `select strategy_version_id as id from ${table}`), table).toEqual({
			id: here.versionId,
		});
	}

	const [later] = await claimChecks(books.pool, {
		jobs: [{ bot_id: bot.id, due_at: after(300).toISOString() }],
		workerId,
		waitMs: 0,
		now: after(300),
	});
	expect(later).toMatchObject({ verdict: 'CLAIMED', strategyVersionId: next });
	const again = [{ ...checkOf(bot, after(300), { decision: 'SHORT' }), strategy_version_id: next }];
	expect(await recordChecks(books.pool, { checks: again, workerId, now: after(301) })).toMatchObject([
		{ outcome: 'REJECTED', reasonCode: 'REGIME_UNFAVOURABLE' },
	]);
});
