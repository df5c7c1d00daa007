/** Rollouts: bots beyond the limit wait, steps are taken when due and when nothing stands against it, and all of it is audited. */
import { expect, test } from 'vitest';
import {
	cancelRollout,
	planRollout,
	setAccountStatus,
	setBotStatus,
	setBotsStatus,
	takeRolloutSteps,
} from '../../src/database/functions/administration.ts';
import {
	openBreaker,
	pauseEntries,
	raiseAlert,
	resetBreaker,
	resolveAlert,
	resumeEntries,
} from '../../src/database/functions/guards.ts';
import { after, type Bot, makeBot, makeWorld, start, type World } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();
const hour = 3_600;
const at = (hours: number) => after(hours * hour);
const take = (hours: number, seconds = 0) => takeRolloutSteps(books.pool, { now: after(hours * hour + seconds) });
const plan = (world: World, ...steps: readonly (readonly [count: number, hours?: number])[]) =>
	planRollout(books.pool, {
		accountId: world.accountId,
		steps: steps.map(([count, hours]) => ({
			max_active_bots: count,
			...(hours === undefined ? {} : { step_at: at(hours).toISOString() }),
		})),
		actor: 'anna',
		now: start,
	});
async function makeBots(world: World, count: number): Promise<Bot[]> {
	const bots: Bot[] = [];
	for (let index = 0; index < count; index += 1) bots.push(await makeBot(books.pool, world));
	return bots;
}
const rollout = () =>
	one(
		books.pool,
		`select max_active_bots, active_bots, waiting_bots, next_max_active_bots, next_at, held_reason from reporting.rollouts`,
	);
async function statuses(bots: readonly Bot[]): Promise<string> {
	const { rows } = await books.pool.query<{ status: string; is_waiting: boolean }>(
		'select status, is_waiting from bots where id = any ($1) order by id',
		[bots.map(({ id }) => id)],
	);
	return rows.map(({ status, is_waiting: isWaiting }) => (isWaiting ? 'w' : status.charAt(0))).join('');
}
const held = async () =>
	(await books.pool.query(`select message from alerts where code = 'ROLLOUT_HELD' and resolved_at is null`)).rows;

test('bots beyond the limit wait, and start in their order as it rises', async () => {
	const world = await makeWorld(books.pool);
	expect(await plan(world, [1], [3, 24], [100, 48])).toBe(3);
	const bots = await makeBots(world, 5);
	expect(await statuses(bots)).toBe('Awwww');
	expect(await take(23)).toBe(0);
	expect(await take(24)).toBe(2);
	expect(await statuses(bots)).toBe('AAAww');
	expect(await rollout()).toMatchObject({
		max_active_bots: 3,
		active_bots: 3,
		waiting_bots: 2,
		next_max_active_bots: 100,
	});
	expect(await take(48)).toBe(2);
	expect(await statuses(bots)).toBe('AAAAA');
	// One that starts is due on its grid like any other.
	expect(
		await one(books.pool, 'select next_check_at > $2 as ahead, status_reason from bots where id = $1', [
			bots[4]!.id,
			at(48),
		]),
	).toEqual({ ahead: true, status_reason: 'its turn in the rollout' });
	const { rows } = await books.pool.query<{ action: string }>(
		`select action, actor, after from audit_log where action like 'rollout.%' order by id`,
	);
	expect(rows).toMatchObject([
		{ action: 'rollout.plan', actor: 'anna' },
		{ action: 'rollout.step', after: { max_active_bots: 3 } },
		{ action: 'rollout.step', after: { max_active_bots: 100 } },
	]);
});

const obstacles: readonly [string, RegExp, (world: World) => Promise<unknown>, (world: World) => Promise<unknown>][] = [
	[
		'an open CRITICAL alert',
		/: the CRITICAL alert LEDGER_BROKEN is open for ledger balances$/,
		() =>
			raiseAlert(books.pool, {
				code: 'LEDGER_BROKEN',
				severity: 'CRITICAL',
				subject: 'ledger balances',
				message: 'x',
				now: start,
			}),
		() => resolveAlert(books.pool, { code: 'LEDGER_BROKEN', subject: 'ledger balances', now: at(30) }),
	],
	[
		'an open breaker',
		/: the breaker of sim is OPEN$/,
		() => openBreaker(books.pool, { exchangeId: 'sim', reason: 'drill', actor: 'anna', now: start }),
		() => resetBreaker(books.pool, { exchangeId: 'sim', actor: 'anna', now: at(30) }),
	],
	[
		'a HALTED account',
		/: the account is HALTED$/,
		({ accountId }) => setAccountStatus(books.pool, { accountId, status: 'HALTED', reason: 'drill', now: start }),
		({ accountId }) => setAccountStatus(books.pool, { accountId, status: 'ACTIVE', now: at(30) }),
	],
	[
		'a pause',
		/: entries are paused: news$/,
		() => pauseEntries(books.pool, { scope: 'ALL', reason: 'news', now: start }),
		() => resumeEntries(books.pool, { scope: 'ALL', now: at(30) }),
	],
];

test.each(obstacles)('%s holds a step, which is said, and taken once it is gone', async (_, says, hinder, help) => {
	const world = await makeWorld(books.pool);
	await plan(world, [1], [2, 24], [3, 36]);
	const bots = await makeBots(world, 3);
	await hinder(world);
	expect([await take(24), await take(24, 60)]).toEqual([0, 0]);
	expect(await statuses(bots)).toBe('Aww');
	expect(await held()).toEqual([{ message: expect.stringMatching(says) }]);
	expect(await rollout()).toMatchObject({
		max_active_bots: 1,
		held_reason: expect.stringMatching(says.source.slice(2)),
	});
	const audited = `select count(*)::integer as lines from audit_log where action = 'rollout.hold'`;
	// Said once, not every minute.
	expect(await one(books.pool, audited)).toEqual({ lines: 1 });
	await help(world);
	expect(await take(30)).toBe(1);
	expect(await held()).toEqual([]);
	expect(await statuses(bots)).toBe('AAw');
	// Six hours late: so is the next one.
	expect(await rollout()).toMatchObject({ max_active_bots: 2, next_at: at(42) });
	expect([await take(41), await take(42)]).toEqual([0, 1]);
});

test('steps that were missed are not taken all at once', async () => {
	const world = await makeWorld(books.pool);
	await plan(world, [1], [2, 24], [3, 48]);
	const bots = await makeBots(world, 3);
	expect([await take(100), await take(100, 60), await take(123), await take(124)]).toEqual([1, 0, 0, 1]);
	expect(await statuses(bots)).toBe('AAA');
});

test('a paused bot keeps its place, a stopped one gives it away, and nobody takes one that is not there', async () => {
	const world = await makeWorld(books.pool);
	await plan(world, [2]);
	const bots = await makeBots(world, 4);
	const [first, second, third] = bots as [Bot, Bot, Bot];
	await setBotStatus(books.pool, { botId: first.id, status: 'PAUSED', now: after(1) });
	expect(await take(1)).toBe(0);
	await expect(setBotStatus(books.pool, { botId: third.id, status: 'ACTIVE', now: after(2) })).rejects.toMatchObject({
		code: '23514',
		constraint: 'active_bots_within_limit',
	});
	await setBotsStatus(books.pool, { botIds: [second.id, first.id], status: 'ACTIVE', now: after(3) });
	await setBotStatus(books.pool, { botId: second.id, status: 'STOPPED', now: after(4) });
	expect(await take(1, 60)).toBe(1);
	expect(await statuses(bots)).toBe('ASAw');
	await expect(setBotStatus(books.pool, { botId: second.id, status: 'ACTIVE', now: at(2) })).rejects.toMatchObject({
		constraint: 'active_bots_within_limit',
	});
});

test('a plan that is given up leaves the limit; without a limit everybody starts', async () => {
	const world = await makeWorld(books.pool);
	await plan(world, [1], [2, 24]);
	const bots = await makeBots(world, 3);
	expect(await cancelRollout(books.pool, { accountId: world.accountId, now: at(1) })).toBe(1);
	expect(await take(25)).toBe(0);
	expect(await cancelRollout(books.pool, { accountId: world.accountId, isUnlimited: true, now: at(26) })).toBe(0);
	expect(await take(26)).toBe(2);
	expect(await statuses(bots)).toBe('AAA');
	expect(await cancelRollout(books.pool, { accountId: 0 })).toBeNull();
	expect(await planRollout(books.pool, { accountId: 0, steps: [{ max_active_bots: 1 }] })).toBeNull();
});

test('bots that are active already stay; a new plan takes the place of the one before', async () => {
	const world = await makeWorld(books.pool);
	const bots = await makeBots(world, 3);
	await plan(world, [1], [5, 24]);
	await plan(world, [2], [4, 12]);
	expect(await statuses(bots)).toBe('AAA');
	const late = await makeBots(world, 2);
	expect(await take(12)).toBe(1);
	expect(await statuses(late)).toBe('Aw');
	expect(await take(24)).toBe(0);
});

test.each([
	['no step', [], 'rollout_has_steps'],
	['a first step with a time ahead', [{ max_active_bots: 1, step_at: at(1).toISOString() }], 'first_step_is_now'],
	['a step without a time', [{ max_active_bots: 1 }, { max_active_bots: 2 }], 'steps_follow_each_other'],
	[
		'a step in the past',
		[{ max_active_bots: 1 }, { max_active_bots: 2, step_at: at(-1).toISOString() }],
		'steps_follow_each_other',
	],
	['steps that fall', [{ max_active_bots: 2 }, { max_active_bots: 1, step_at: at(1).toISOString() }], 'steps_rise'],
	['no place at all', [{ max_active_bots: 0 }], 'steps_rise'],
])('%s is refused', async (_, steps, constraint) => {
	const { accountId } = await makeWorld(books.pool);
	await expect(planRollout(books.pool, { accountId, steps, now: start })).rejects.toMatchObject({
		code: '23514',
		constraint,
	});
	expect(await one(books.pool, 'select max_active_bots from accounts')).toEqual({ max_active_bots: null });
});
