/**
 * What `migrate` applies: the files of db/migrations and db/functions, and their fingerprint. The folder is found
 * relative to this module, so botbox runs from any working directory and from an installed package.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jobQueues, jobSchemaVersion } from './job-queues.ts';

export interface SqlFile {
	readonly name: string;
	readonly sql: string;
}

export interface SchemaSources {
	readonly directory: string;
	readonly migrations: readonly SqlFile[];
	readonly functions: readonly SqlFile[];
	/** Names the schema that this code works with: two processes agree if and only if these are equal. */
	readonly fingerprint: string;
}

export const packagedDirectory = fileURLToPath(new URL('../../../db/', import.meta.url));

export async function readSources(directory: string = packagedDirectory): Promise<SchemaSources> {
	const [migrations, functions] = await Promise.all([
		readSqlFiles(join(directory, 'migrations')),
		readSqlFiles(join(directory, 'functions')),
	]);
	return { directory, migrations, functions, fingerprint: fingerprintOf(migrations, functions) };
}

async function readSqlFiles(folder: string): Promise<SqlFile[]> {
	const entries = await readdir(folder, { recursive: true }).catch(() => []);
	const names = entries.filter((name) => name.endsWith('.sql')).sort();
	return await Promise.all(names.map(async (name) => ({ name, sql: await readFile(join(folder, name), 'utf8') })));
}

/** The queues and pg-boss's schema version count as well: migrate makes them, and code relies on them. */
function fingerprintOf(migrations: readonly SqlFile[], functions: readonly SqlFile[]): string {
	const hash = createHash('sha256').update(JSON.stringify([jobSchemaVersion, jobQueues]));
	for (const [kind, files] of [
		['migration', migrations],
		['function', functions],
	] as const) {
		// JSON keeps names and contents apart, so that no two sets of files hash the same text.
		for (const { name, sql } of files) hash.update(JSON.stringify([kind, name, sql.replaceAll('\r\n', '\n')]));
	}
	return hash.digest('hex');
}

let packagedFingerprint: Promise<string> | undefined;

/** The fingerprint of this version of botbox, computed once. */
export function expectedFingerprint(): Promise<string> {
	packagedFingerprint ??= readSources().then((sources) => sources.fingerprint);
	return packagedFingerprint;
}
