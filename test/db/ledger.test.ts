/** The ledger invariant: entries, running totals and booked balances agree, and what breaks them is found. */
import { expect, test } from 'vitest';
import { bookAdjustment } from '../../src/database/functions/administration.ts';
import { checkBalances, checkLedger, monitorLedger } from '../../src/database/functions/guards.ts';
import { checkLedgers } from '../support/database.ts';
import { openPosition } from '../support/factories/trading.ts';
import { after, makeBot, makeWorld } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

/** Around the triggers, as a person with the owner's rights would. */
async function tamper(sql: string): Promise<void> {
	const client = await books.pool.connect();
	try {
		await client.query(`begin; set local session_replication_role = replica; ${sql}; commit`);
	} finally {
		client.release();
	}
}

/** Whatever number of zeros the fill's quantity left behind the point. */
const amount = (value: number) => expect.stringMatching(new RegExp(`^${value}(\\.0+)?$`));

const alerts = async () =>
	(await books.pool.query(`select subject from alerts where code = 'LEDGER_BROKEN' and resolved_at is null order by 1`))
		.rows;

/** An account with a transfer, a fill and a fee. */
async function trade(): Promise<number> {
	const world = await makeWorld(books.pool, { instrument: { marketType: 'SPOT' } });
	await openPosition(books.pool, await makeBot(books.pool, world), { fee: 1 });
	return world.accountId;
}

test('running totals follow every entry, whoever inserts it', async () => {
	const accountId = await trade();
	expect(
		await one(books.pool, `select total, entries from ledger_totals where account_id = $1 and asset = 'USDT'`, [
			accountId,
		]),
	).toEqual({ total: amount(8999), entries: 3 });
	expect([await checkBalances(books.pool, {}), await checkLedger(books.pool, {})]).toEqual([[], []]);
});

test('an entry without its balance is found within the minute', async () => {
	books.mayBreakLedger();
	const accountId = await trade();
	await books.pool.query(
		`insert into ledger_entries (account_id, asset, kind, amount, reference, occurred_at) values ($1, 'USDT', 'TRANSFER', 5, 'x', $2)`,
		[accountId, after(0)],
	);
	expect(await checkBalances(books.pool, {})).toEqual([
		{ accountId, asset: 'USDT', booked: amount(8999), total: amount(9004) },
	]);
	expect(await monitorLedger(books.pool, { now: after(1) })).toBe(false);
	expect(await alerts()).toEqual([{ subject: 'ledger balances' }]);
});

test.each([
	['altered', `update ledger_entries set amount = amount + 1 where kind = 'FEE'`],
	['removed', `delete from ledger_entries where kind = 'FEE'`],
	[
		'put together',
		`delete from ledger_entries where asset = 'USDT' and kind <> 'TRANSFER';
		insert into ledger_entries (account_id, asset, kind, amount, reference, occurred_at)
		select account_id, asset, 'TRANSFER', -1001, 'x', now() from ledger_totals where asset = 'USDT'`,
	],
])('entries %s behind the triggers are found by the whole check, which alone resolves its alert', async (_, sql) => {
	books.mayBreakLedger();
	const accountId = await trade();
	await tamper(sql);
	expect(await checkBalances(books.pool, {})).toEqual([]);
	expect(await checkLedger(books.pool, {})).toMatchObject([
		{ accountId, asset: 'USDT', booked: amount(8999), total: amount(8999) },
	]);
	expect(await monitorLedger(books.pool, { isWhole: true, now: after(1) })).toBe(false);
	expect(await monitorLedger(books.pool, { now: after(2) })).toBe(true);
	expect(await alerts()).toEqual([{ subject: 'ledger entries' }]);
});

test('a test that leaves a broken ledger behind fails, unless it said that it would', async () => {
	// Whatever a test before was allowed to break is gone: the ledger is whole again and held to the rule.
	await checkLedgers();
	const accountId = await trade();
	const move = (by: number) =>
		books.pool.query(`update account_balances set booked = booked + $2 where account_id = $1 and asset = 'USDT'`, [
			accountId,
			by,
		]);
	await move(1);
	await expect(checkLedgers()).rejects.toThrow(/the ledger of botbox_test_ledger_.* is broken: .*"booked":"9000/);
	books.mayBreakLedger();
	await checkLedgers();
	await move(-1);
	await checkLedgers();
	// Seen whole, it is held to the rule again.
	await move(1);
	await expect(checkLedgers()).rejects.toThrow(/is broken/);
	await move(-1);
});

test.each(['TRANSFER', 'CORRECTION'])(
	'a %s by hand is booked once by its reference, in and out, and audited',
	async (kind) => {
		const { accountId } = await makeWorld(books.pool);
		const entry = {
			accountId,
			kind,
			asset: 'USDT',
			amount: '-250.5',
			reference: 'w-1',
			reason: 'withdrawn',
			now: after(1),
		};
		const results = await Promise.all([1, 2, 3].map(() => bookAdjustment(books.pool, entry)));
		expect(results.toSorted()).toEqual([false, false, true]);
		expect(await bookAdjustment(books.pool, { ...entry, asset: 'BTC', amount: 1, reference: 'd-1' })).toBe(true);
		const { rows } = await books.pool.query('select asset, booked from account_balances order by asset');
		expect(rows.map(({ asset, booked }) => [asset, Number(booked)])).toEqual([
			['BTC', 1],
			['USDT', 9_749.5],
		]);
		const audited = await books.pool.query(`select after from audit_log where action = 'account.book'`);
		expect(audited.rows).toHaveLength(2);
		expect(await bookAdjustment(books.pool, { ...entry, accountId: 999_999 })).toBeNull();
	},
);

test.each([
	['FEE', 1],
	['TRANSFER', 0],
	['CORRECTION', 'NaN'],
] as const)('a person books no %s of %s', async (kind, amount) => {
	const { accountId } = await makeWorld(books.pool);
	await expect(
		bookAdjustment(books.pool, { accountId, kind, asset: 'USDT', amount, reference: 'x', reason: 'y' }),
	).rejects.toMatchObject({ code: '23514' });
});
