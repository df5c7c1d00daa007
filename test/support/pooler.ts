/**
 * A PgBouncer in transaction mode before the test server, where BOTBOX_TEST_POOLER_URL names one: `.ci/pgbouncer.sh start DIR "$DATABASE_URL"` prints
 * what belongs there, and `.ci/run` does that for the server that it starts. Without one, tests of it are skipped.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import type { TestDatabase } from './database.ts';

export const poolerUrl = process.env.BOTBOX_TEST_POOLER_URL ?? '';
/** For the titles of what is skipped. */
export const whySkipped = poolerUrl === '' ? ' (skipped: BOTBOX_TEST_POOLER_URL names no PgBouncer)' : '';

export interface PooledUser {
	/** Through the pooler, as a user that is a member of botbox_app and of nothing else. */
	readonly url: string;
	readonly name: string;
	/** Runs statements about it as an administrator, with `USER` for its name and `DATABASE` for the database's. */
	alter(sql: string): Promise<void>;
	drop(): Promise<void>;
}

/** The settings that docs/operations.md gives the user of a pooler. */
export const documentedSettings = ['search_path = botbox', "timezone = 'UTC'", "statement_timeout = '30s'"];

export async function createPooledUser(database: TestDatabase, settings = documentedSettings): Promise<PooledUser> {
	const name = `botbox_test_pooled_${randomBytes(4).toString('hex')}`;
	const password = randomBytes(12).toString('hex');
	const alter = async (sql: string): Promise<void> => {
		const client = new pg.Client({ connectionString: inject('adminUrl') });
		await client.connect();
		try {
			await client.query(sql.replaceAll('USER', name).replaceAll('DATABASE', database.name));
		} finally {
			await client.end();
		}
	};
	await alter(`create role USER login password '${password}' in role botbox_app`);
	for (const setting of settings) await alter(`alter role USER in database DATABASE set ${setting}`);
	const url = new URL(poolerUrl);
	Object.assign(url, { username: name, password, pathname: `/${database.name}` });
	return { url: url.href, name, alter, drop: async () => await alter('drop role USER') };
}

/** The pooler's own figures of one user: what it has of clients, and of connections of the server for them. */
export async function readPool(user: string): Promise<{ clients: number; servers: number; mode: string }> {
	const rows = await administerPooler('show pools');
	const row = rows.find((pool) => pool.user === user) ?? {};
	const sum = (...names: string[]) => names.reduce((total, name) => total + Number(row[name]), 0);
	return {
		clients: sum('cl_active', 'cl_waiting'),
		servers: sum('sv_active', 'sv_idle', 'sv_used', 'sv_tested', 'sv_login'),
		mode: row.pool_mode ?? '',
	};
}

/** In the pooler's own console. */
export async function administerPooler(command: string): Promise<Record<string, string>[]> {
	const url = new URL(poolerUrl);
	url.pathname = '/pgbouncer';
	const client = new pg.Client({ connectionString: url.href });
	await client.connect();
	try {
		return (await client.query<Record<string, string>>(command)).rows;
	} finally {
		await client.end();
	}
}
