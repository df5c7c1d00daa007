/** ACTIVE, REDUCING, HALTED: what moves an account by rule, at once and by the monitor, and that only a person moves it back. */
import { expect, test } from 'vitest';
import { setAccountLimits, setAccountStatus } from '../../src/database/functions/administration.ts';
import { guardAccounts, refuseCredentials } from '../../src/database/functions/guards.ts';
import { pruneHistory } from '../../src/database/functions/history.ts';
import { claimTrades, submitOrder } from '../../src/database/functions/trades.ts';
import { checkPair, makePair } from '../support/factories/pairs.ts';
import { applyFill, decide, openOrder, openPosition, queueTrade, workerId } from '../support/factories/trading.ts';
import { after, type Bot, makeBot, makeWorld, quote, type World } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

const day = 86_400;
/** 23:50 of the day on which accounts are opened. */
const evening = 42_600;

/** An account of 10,000 whose one bot holds 10 units since just now, bought at 100. */
async function holding(limits: Record<string, number>, seconds = 0): Promise<{ world: World; bot: Bot; other: Bot }> {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	const other = await makeBot(books.pool, world);
	await setAccountLimits(books.pool, { accountId: world.accountId, limits });
	await openPosition(books.pool, bot, { now: after(seconds) });
	return { world, bot, other };
}

async function lookAt(world: World, price: number, seconds: number): Promise<number> {
	await quote(books.pool, world.instrument, { last: price }, after(seconds));
	return await guardAccounts(books.pool, { now: after(seconds) });
}

const account = (world: World) =>
	one(books.pool, 'select status, status_reason from accounts where id = $1', [world.accountId]);
const alerts = async () =>
	(
		await books.pool.query(
			`select severity, message, details, resolved_at is null as open from alerts where code = 'ACCOUNT_REDUCING' order by id`,
		)
	).rows;

test('a loss in the day, realised and unrealised, moves the account to REDUCING at the limit, with an alert of the figures', async () => {
	const { world, other } = await holding({ daily_loss_limit: 100 });
	const loser = await makeBot(books.pool, world);
	await openPosition(books.pool, loser, { now: after(1) });
	const close = await openOrder(books.pool, loser, { direction: 'CLOSE', now: after(2) });
	await applyFill(books.pool, close, { price: 96, fee: 2, at: after(2) });
	// 42 are gone, and 57.99 would be.
	expect(await lookAt(world, 94.201, 10)).toBe(0);
	expect(await lookAt(world, 94.2, 20)).toBe(1);
	const why = 'lost 100 USDT since 2026-03-02 00:00 UTC, the limit is 100';
	expect(await account(world)).toEqual({ status: 'REDUCING', status_reason: why });
	expect(await alerts()).toEqual([
		{
			severity: 'CRITICAL',
			message: expect.stringContaining(`is REDUCING, closes only, until a person resumes it: ${why}`),
			details: {
				account_id: world.accountId,
				rule: 'DAILY_LOSS_LIMIT',
				loss: 100,
				daily_loss_limit: 100,
				equity: 9_900,
				equity_before: 10_000,
				since: expect.stringMatching(/^2026-03-02T00:00:00/),
			},
			open: true,
		},
	]);
	expect(await decide(books.pool, other, { now: after(21) })).toMatchObject({ reasonCode: 'ACCOUNT_REDUCING' });
});

test('the fall from the peak moves it, also over days and when it is still above what it began with', async () => {
	const { world } = await holding({ max_drawdown: 0.1 });
	await lookAt(world, 600, 10);
	// 15,000 at best: 13,500 is a tenth less.
	expect(await lookAt(world, 450.01, 2 * day)).toBe(0);
	expect(await lookAt(world, 450, 2 * day + 10)).toBe(1);
	expect(await account(world)).toEqual({
		status: 'REDUCING',
		status_reason: 'its equity of 13500 USDT lies 10% below its peak of 15000, the limit is 10%',
	});
	expect(
		await one(books.pool, 'select equity, equity_peak, max_drawdown from reporting.accounts where account_id = $1', [
			world.accountId,
		]),
	).toMatchObject({ equity_peak: '15000', max_drawdown: '0.1' });
});

test('a peak between two rows of the grid is kept; equity is one row in five minutes', async () => {
	const { world } = await holding({ max_drawdown: 0.1 });
	await lookAt(world, 100, 300);
	await lookAt(world, 600, 310);
	await lookAt(world, 500, 320);
	await lookAt(world, 500, 600);
	const { rows } = await books.pool.query(
		'select at, equity::float8, peak::float8, drawdown from reporting.account_equity order by at',
	);
	expect(rows).toEqual([
		{ at: after(0), equity: 10_000, peak: 10_000, drawdown: 0 },
		{ at: after(300), equity: 10_000, peak: 15_000, drawdown: 1 / 3 },
		{ at: after(600), equity: 14_000, peak: 15_000, drawdown: 1 / 15 },
	]);
	// What is old goes, but never the row that holds the peak.
	await pruneHistory(books.pool, { now: after(366 * day) });
	expect((await books.pool.query('select at from account_equity')).rows).toEqual([{ at: after(600) }]);
});

test('the day begins at midnight UTC, from what the account was worth then', async () => {
	const { world } = await holding({ daily_loss_limit: 100 }, evening);
	await lookAt(world, 91, evening);
	await lookAt(world, 91, 43_200);
	// Down 180 in all, but 90 today.
	expect(await lookAt(world, 82, 43_210)).toBe(0);
	expect(await lookAt(world, 81, 43_220)).toBe(1);
});

test('nobody looked at midnight: the loss counts from the last look before it', async () => {
	const { world } = await holding({ daily_loss_limit: 100 }, evening);
	await lookAt(world, 95, evening);
	expect(await lookAt(world, 85, 43_200 + 3_600)).toBe(1);
});

test('a decision refuses and moves the account at once, before the monitor has looked', async () => {
	for (const [limits, reasonCode] of [
		[{ daily_loss_limit: 100 }, 'DAILY_LOSS_LIMIT'],
		[{ max_drawdown: 0.01 }, 'MAX_DRAWDOWN'],
	] as const) {
		const { world, other } = await holding(limits);
		await quote(books.pool, world.instrument, { last: 90.01 }, after(1));
		expect(await decide(books.pool, other, { now: after(1), candleAt: after(0) })).toMatchObject({ outcome: 'QUEUED' });
		const third = await makeBot(books.pool, world);
		await quote(books.pool, world.instrument, { last: 90 }, after(2));
		const refused = await decide(books.pool, third, { now: after(2) });
		expect(refused).toMatchObject({ outcome: 'REJECTED', reasonCode });
		const { details } = await one<{ details: object }>(books.pool, 'select details from signals where id = $1', [
			refused.signalId,
		]);
		expect(details).toMatchObject({ equity: 9_900 });
		expect(await account(world)).toMatchObject({ status: 'REDUCING' });
	}
	expect(await alerts()).toHaveLength(2);
});

test('a pair that is refused for it moves the account too', async () => {
	const pair = await makePair(books.pool);
	await setAccountLimits(books.pool, { accountId: pair.accountId, limits: { daily_loss_limit: 1 } });
	await books.pool.query(
		`insert into positions (bot_id, account_id, instrument_id, direction, status, quantity, entered_quantity, exited_quantity,
		average_entry_price, average_exit_price, realised_pnl, opened_at, closed_at)
		values ($1, $2, $3, 'LONG', 'CLOSED', 0, 1, 1, 100, 99, -1, $4, $4)`,
		[pair.id, pair.accountId, pair.instrumentId, after(60)],
	);
	expect(await checkPair(books.pool, pair, after(300), { decision: 'LONG' })).toMatchObject({
		reasonCode: 'DAILY_LOSS_LIMIT',
	});
	expect(await one(books.pool, 'select status from accounts where id = $1', [pair.accountId])).toEqual({
		status: 'REDUCING',
	});
});

test('it does not come back by itself; a person resumes it, and losses and peak count anew from there', async () => {
	const { world, other } = await holding({ daily_loss_limit: 100, max_drawdown: 0.02 });
	expect(await lookAt(world, 90, 10)).toBe(1);
	// The price recovers, the day ends.
	expect(await lookAt(world, 200, 20)).toBe(0);
	expect(await lookAt(world, 200, 2 * day)).toBe(0);
	expect(await account(world)).toMatchObject({ status: 'REDUCING' });
	await lookAt(world, 100, 2 * day + 1);

	const steer = (status: 'ACTIVE' | 'REDUCING' | 'HALTED', seconds: number) =>
		setAccountStatus(books.pool, { accountId: world.accountId, status, actor: 'tester', now: after(seconds) });
	await steer('ACTIVE', 2 * day + 2);
	expect((await alerts()).map(({ open }) => open)).toEqual([false]);
	expect(await lookAt(world, 100, 2 * day + 3)).toBe(0);
	expect(await decide(books.pool, other, { now: after(2 * day + 3) })).toMatchObject({ outcome: 'QUEUED' });
	expect(await lookAt(world, 90.01, 2 * day + 4)).toBe(0);
	expect(await lookAt(world, 90, 2 * day + 5)).toBe(1);
	expect((await alerts()).map(({ open }) => open)).toEqual([false, true]);

	// Resuming an account that is ACTIVE, or one that a person halted for another reason, forgives as much as it says: no more.
	await steer('ACTIVE', 2 * day + 10);
	await lookAt(world, 85, 2 * day + 11);
	await steer('ACTIVE', 2 * day + 12);
	expect(await lookAt(world, 80, 2 * day + 13)).toBe(1);
	const { rows } = await books.pool.query(
		`select actor, before ->> 'status' as before, after ->> 'status' as after from audit_log where action = 'account.status' order by id`,
	);
	expect(rows.filter(({ before, after }) => before !== after)).toEqual([
		{ actor: 'system', before: 'ACTIVE', after: 'REDUCING' },
		{ actor: 'tester', before: 'REDUCING', after: 'ACTIVE' },
		{ actor: 'system', before: 'ACTIVE', after: 'REDUCING' },
		{ actor: 'tester', before: 'REDUCING', after: 'ACTIVE' },
		{ actor: 'system', before: 'ACTIVE', after: 'REDUCING' },
	]);
});

test('a HALTED account is not moved to REDUCING, which would let closes through', async () => {
	const { world } = await holding({ daily_loss_limit: 100 });
	await setAccountStatus(books.pool, { accountId: world.accountId, status: 'HALTED', now: after(1) });
	expect(await lookAt(world, 50, 10)).toBe(0);
	expect(await account(world)).toMatchObject({ status: 'HALTED' });
	expect(await alerts()).toEqual([]);
});

test('REDUCING: an entry that is claimed already is not sent any more, a close is', async () => {
	const { world, bot, other } = await holding({});
	const entry = await queueTrade(books.pool, other, { now: after(1) });
	await claimTrades(books.pool, { workerId, limit: 10, now: after(1) });
	await setAccountStatus(books.pool, { accountId: world.accountId, status: 'REDUCING', now: after(2) });
	const send = { tradeId: entry, workerId, clientOrderId: 'late', now: after(3) };
	expect(await submitOrder(books.pool, send)).toEqual([]);
	expect(await openOrder(books.pool, bot, { direction: 'CLOSE', now: after(4) })).toMatchObject({ side: 'SELL' });
});

test('an account that is HALTED for its key says how many stops nobody can act on', async () => {
	const world = await makeWorld(books.pool, { account: { mode: 'LIVE' } });
	const kept = await makeBot(books.pool, world);
	await openPosition(books.pool, kept, { stopLossFraction: 0.02 });
	const told = async () => {
		await refuseCredentials(books.pool, {
			...{ accountId: world.accountId, code: 'CREDENTIALS_REFUSED', message: 'it has expired' },
			...{ credentials: Buffer.from('sealed'), now: after(10) },
		});
		return (await one<{ message: string }>(books.pool, `select message from alerts where code = 'CREDENTIALS_REFUSED'`))
			.message;
	};
	await books.pool.query(`update positions set protection = 'EXCHANGE'`);
	expect(await told()).toMatch(/then resume it$/);
	await books.pool.query(`update positions set protection = 'GUARD'`);
	expect(await told()).toMatch(/the stops of 1 of its positions that botbox watches are not acted on$/);
});
