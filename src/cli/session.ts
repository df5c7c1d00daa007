/** What a command needs of its surroundings: configuration, the database, the master key. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { type Config, readConfig } from '../config.ts';
import { lockDataDir, startEmbedded } from '../database/embedded/server.ts';
import { isDatabaseAway } from '../database/failures.ts';
import { requireMatchingSchema } from '../database/migrate/matching.ts';
import { createPool, type Pool } from '../database/pool.ts';
import { refusedSettings } from '../database/pooler.ts';
import { BotboxError, errorMessage } from '../errors.ts';

export function readEnvironment(): Config {
	return readConfig(process.env);
}

/** Who does it, for the audit log. */
export function actor(): string {
	return `cli:${userInfo().username}`;
}

/**
 * The database's address, past any pooler, and the one for pools; an embedded server that is not running is started for as long as
 * `work` takes.
 */
export async function withDatabaseUrl<T>(
	config: Config,
	work: (directUrl: string, url: string) => Promise<T>,
): Promise<T> {
	try {
		return await withServer(config, work);
	} catch (error) {
		const refused = refusedSettings(error);
		if (refused !== undefined) {
			const name = config.databaseDirectUrl === null ? 'DATABASE_URL' : 'DATABASE_DIRECT_URL';
			throw new BotboxError(
				'CONFIGURATION_INVALID',
				`${name} leads to a pooler (${refused}): set DATABASE_DIRECT_URL to the server's own address; see docs/operations.md, "Behind PgBouncer"`,
				{ cause: error },
			);
		}
		if (!isDatabaseAway(error)) throw error;
		throw new BotboxError('DATABASE_UNAVAILABLE', `the database cannot be reached: ${errorMessage(error)}`, {
			cause: error,
		});
	}
}

async function withServer<T>(config: Config, work: (directUrl: string, url: string) => Promise<T>): Promise<T> {
	const { databaseUrl, databaseDirectUrl } = config;
	if (databaseUrl !== null) return await work(databaseDirectUrl ?? databaseUrl, databaseUrl);
	// Whoever holds the lock keeps the server up; without a holder this command does, and nobody can start one beside it.
	const lock = await lockDataDir(config.dataDir).catch((error: unknown) => {
		if (error instanceof BotboxError && error.code === 'DATABASE_IN_USE') return null;
		throw error;
	});
	try {
		const server = await startEmbedded({ dataDir: config.dataDir });
		try {
			return await work(server.url, server.url);
		} finally {
			if (lock !== null) await server.stop();
		}
	} finally {
		await lock?.release();
	}
}

/** Throws SCHEMA_MISMATCH or DATABASE_UNAVAILABLE before a process that is to run for long makes anything of its own. */
export async function checkSchema(url: string): Promise<void> {
	const pool = createPool({ url, max: 1, applicationName: 'botbox start' });
	try {
		await requireMatchingSchema(pool);
	} finally {
		await pool.end();
	}
}

/** A pool on the migrated database for one command. */
export async function withDatabase<T>(work: (pool: Pool, config: Config, url: string) => Promise<T>): Promise<T> {
	const config = readEnvironment();
	requireDatabase(config);
	return await withDatabaseUrl(config, async (url) => {
		const pool = createPool({ url, max: 4, applicationName: 'botbox cli', statementTimeoutMs: 30_000 });
		try {
			await requireMatchingSchema(pool);
			return await work(pool, config, url);
		} finally {
			await pool.end();
		}
	});
}

/** Only `up` and `migrate` make an embedded database; whoever else finds none says so and leaves the directory alone. */
export function requireDatabase(config: Config): void {
	if (config.databaseUrl !== null || existsSync(join(resolve(config.dataDir), 'database.json'))) return;
	throw new BotboxError(
		'DATABASE_UNAVAILABLE',
		`there is no database in ${config.dataDir} yet: start everything with botbox up, or set DATABASE_URL`,
	);
}

/** BOTBOX_MASTER_KEY, or the one in the data directory, made at the first start and readable by its owner alone. */
export async function masterKey(config: Config): Promise<string> {
	if (config.masterKey !== null) return config.masterKey;
	const path = join(resolve(config.dataDir), 'master.key');
	const present = await readFile(path, 'utf8').catch(() => null);
	if (present !== null) return present.trim();
	await mkdir(resolve(config.dataDir), { recursive: true, mode: 0o700 });
	const key = randomBytes(32).toString('base64');
	await writeFile(path, `${key}\n`, { mode: 0o600, flag: 'wx' });
	await chmod(path, 0o600);
	return key;
}
