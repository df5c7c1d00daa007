/** The database that every test database is cloned from: migrated once per server and schema fingerprint. */
import pg from 'pg';
import { migrate } from '../../src/database/migrate/migrate.ts';
import { readSources } from '../../src/database/migrate/sources.ts';

/** Makes the template unless the server has it already; returns its name, which carries the fingerprint. */
export async function prepareTemplate(adminUrl: string): Promise<string> {
	const { fingerprint } = await readSources();
	const name = `botbox_template_${fingerprint.slice(0, 16)}`;
	const partial = `${name}_partial`;
	const admin = new pg.Client({ connectionString: adminUrl, application_name: 'botbox tests' });
	await admin.connect();
	try {
		// Two test runs on one server take turns; the second finds the template made.
		await admin.query(`select pg_advisory_lock(hashtextextended('botbox test template', 0))`);
		const found = await admin.query('select from pg_database where datname = $1', [name]);
		if (found.rowCount !== 0) return name;
		await admin.query(`drop database if exists ${partial} with (force)`);
		await admin.query(`create database ${partial} template template0 encoding 'UTF8'`);
		await migrate({ url: databaseUrl(adminUrl, partial) });
		await stopBackgroundWorkers(databaseUrl(adminUrl, partial));
		// Nobody can connect any more, or cloning would be refused as long as somebody is there.
		await admin.query(`alter database ${partial} allow_connections false`);
		await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [partial]);
		// Renamed when whole: a half-made template is never taken for one.
		await admin.query(`alter database ${partial} rename to ${name}`);
		return name;
	} finally {
		await admin.end();
	}
}

/** TimescaleDB's scheduler sits in every database that has the extension. */
async function stopBackgroundWorkers(url: string): Promise<void> {
	const client = new pg.Client({ connectionString: url });
	await client.connect();
	try {
		const found = await client.query(`select from pg_extension where extname = 'timescaledb'`);
		if (found.rowCount !== 0) await client.query('select _timescaledb_functions.stop_background_workers()');
	} finally {
		await client.end();
	}
}

export function databaseUrl(adminUrl: string, name: string): string {
	const url = new URL(adminUrl);
	url.pathname = `/${name}`;
	return url.href;
}
