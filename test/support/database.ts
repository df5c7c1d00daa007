/**
 * A database of one's own for a test file: a clone of the migrated template, some 50 ms to make.
 *
 *     let database: TestDatabase;
 *     beforeAll(async () => {
 *         database = await createTestDatabase();
 *     });
 *     afterAll(() => database.drop());
 *
 * `drop` only lets go of it. Whether it is deleted is decided after the file has ended: the database of a file with a
 * failed test is kept and named in the output.
 */
import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import pg from 'pg';
import { expect, inject } from 'vitest';
import { createPool, type Pool } from '../../src/database/pool.ts';
import { databaseUrl } from './template.ts';

export interface TestDatabase {
	readonly url: string;
	readonly pool: Pool;
	readonly name: string;
	drop(): Promise<void>;
	/** For a test that breaks the ledger on purpose: it may stay broken until it is seen whole again. */
	mayBreakLedger(): void;
}

export async function createTestDatabase(): Promise<TestDatabase> {
	return await createDatabase(inject('templateName'));
}

/** A database without any schema, for tests of `migrate` itself. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
	return await createDatabase('template0');
}

interface CheckedDatabase extends TestDatabase {
	checkLedger(): Promise<void>;
}

const created: CheckedDatabase[] = [];

/**
 * Called by test/support/setup.ts after every test: in every database of the file the ledger's entries sum to the booked
 * balances and to the running totals, whatever the test was about.
 */
export async function checkLedgers(): Promise<void> {
	for (const database of created) await database.checkLedger();
}

/** Differences of the whole ledger, and totals of positions that are not their sums; none where there is no schema (yet). */
async function brokenLedger(pool: Pool): Promise<unknown[]> {
	const { rows } = await pool.query<{ exists: boolean }>(
		`select to_regprocedure('botbox.check_ledger()') is not null and to_regclass('botbox.position_totals') is not null as exists`,
	);
	if (!rows[0]?.exists) return [];
	const ledger = await pool.query('select * from botbox.check_ledger()');
	const totals = await pool.query(
		`with sums as (
		   select p.bot_id, p.account_id, p.strategy_version_id, count(*) as closed_positions,
		          count(*) filter (where p.realised_pnl - p.fees + p.funding > 0) as won, sum(p.realised_pnl) as realised_pnl, sum(p.fees) as fees,
		          sum(p.funding) as funding, max(p.realised_pnl - p.fees + p.funding) as best, min(p.realised_pnl - p.fees + p.funding) as worst,
		          min(p.opened_at) as first_opened_at, max(p.closed_at) as last_closed_at
		     from botbox.positions p
		    where p.status = 'CLOSED'
		    group by 1, 2, 3
		 )
		 (select 'is' as said, t.* from botbox.position_totals t except all select 'is', s.* from sums s)
		  union all
		 (select 'should be', s.* from sums s except all select 'should be', t.* from botbox.position_totals t)`,
	);
	return [...ledger.rows, ...totals.rows];
}

async function createDatabase(template: string): Promise<TestDatabase> {
	const file = basename(expect.getState().testPath ?? 'unknown').replace(/\.test\.ts$/, '');
	const name = `botbox_test_${file
		.replace(/[^a-z0-9]+/gi, '_')
		.toLowerCase()
		.slice(0, 30)}_${randomBytes(4).toString('hex')}`;
	await administer(`create database ${name} template ${template}`);
	const url = databaseUrl(inject('adminUrl'), name);
	const pool = createPool({ url, max: 8, applicationName: 'botbox tests' });
	let ended: Promise<void> | undefined;
	let isBreakable = false;
	const checkLedger = async (): Promise<void> => {
		if (ended !== undefined) return;
		const broken = await brokenLedger(pool);
		if (broken.length === 0) isBreakable = false;
		else if (!isBreakable) throw new Error(`the ledger of ${name} is broken: ${JSON.stringify(broken)}`);
	};
	const database: CheckedDatabase = {
		url,
		pool,
		name,
		drop: async () => {
			try {
				await checkLedger();
			} finally {
				ended ??= pool.end();
				await ended;
			}
		},
		mayBreakLedger: () => {
			isBreakable = true;
		},
		checkLedger,
	};
	created.push(database);
	return database;
}

/** Called by test/support/setup.ts when a file has ended. */
export async function disposeOfDatabases(failed: boolean): Promise<void> {
	for (const database of created.splice(0)) {
		await database.drop();
		if (failed) console.error(`kept database ${database.name}`);
		else await administer(`drop database if exists ${database.name} with (force)`);
	}
}

async function administer(sql: string): Promise<void> {
	const client = new pg.Client({ connectionString: inject('adminUrl'), application_name: 'botbox tests' });
	await client.connect();
	try {
		await client.query(sql);
	} finally {
		await client.end();
	}
}
