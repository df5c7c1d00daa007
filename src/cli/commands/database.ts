/** Commands about the database: migrate, db url, doctor. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../../config.ts';
import { databaseFacts } from '../../database/installation.ts';
import { listView } from '../../database/listing.ts';
import { requireMatchingSchema } from '../../database/migrate/matching.ts';
import { migrate } from '../../database/migrate/migrate.ts';
import { createPool } from '../../database/pool.ts';
import { errorMessage } from '../../errors.ts';
import { withCatalogue } from '../catalogue.ts';
import { printJson } from '../output.ts';
import { masterKey, readEnvironment, requireDatabase, withDatabaseUrl } from '../session.ts';
import { withoutPassword } from '../status.ts';

export function registerDatabase(program: Command): void {
	program
		.command('migrate')
		.description('bring the database to this version: tables, functions, grants, queues; safe to repeat')
		.option('--json', 'print what was done as JSON')
		.action(async (options: { json?: boolean }) => {
			await withDatabaseUrl(readEnvironment(), async (url) => {
				const report = await migrate({ url });
				if (options.json) printJson(report);
				else if (report.changed)
					process.stdout.write(`applied ${report.migrations.length} migrations and ${report.functions} functions\n`);
				else process.stdout.write('nothing to do\n');
			});
		});

	program
		.command('db')
		.description('about the database')
		.command('url')
		.description('print the address of the database, password included')
		.action(async () => {
			const config = readEnvironment();
			requireDatabase(config);
			await withDatabaseUrl(config, async (url) => {
				process.stdout.write(`${url}\n`);
			});
		});

	program
		.command('doctor')
		.description('check database, schema, clock, data and workers, and say how to mend what is wrong')
		.option('--json', 'print the findings as JSON')
		.action(async (options: { json?: boolean }) => {
			const findings = await examine();
			if (options.json) printJson(findings);
			else {
				for (const { name, ok, says, mend } of findings) {
					process.stdout.write(
						`${ok ? 'ok    ' : 'WRONG '} ${name}: ${says}${ok || mend === undefined ? '' : `\n       ${mend}`}\n`,
					);
				}
			}
			if (findings.some(({ ok }) => !ok)) process.exitCode = 1;
		});
}

interface Finding {
	readonly name: string;
	readonly ok: boolean;
	readonly says: string;
	readonly mend?: string;
}

async function examine(): Promise<Finding[]> {
	const config = readEnvironment();
	const findings: Finding[] = [];
	const find = async (name: string, mend: string, look: () => Promise<string>): Promise<boolean> => {
		try {
			findings.push({ name, ok: true, says: await look() });
			return true;
		} catch (error) {
			findings.push({ name, ok: false, says: errorMessage(error), mend });
			return false;
		}
	};
	await find('master key', 'set BOTBOX_MASTER_KEY to 32 bytes in base64', async () => {
		if (config.masterKey !== null) return 'in the environment';
		const path = join(resolve(config.dataDir), 'master.key');
		if (!existsSync(path)) return 'none yet: it is made when it is first needed';
		await masterKey(config);
		return 'in the data directory';
	});
	if (config.strategiesDir !== null) await examineStrategies(config, findings);
	await find('database', 'see that the server of DATABASE_URL runs and lets this user in', async () => {
		requireDatabase(config);
		await withDatabaseUrl(config, async (url) => {
			const pool = createPool({ url, max: 2, applicationName: 'botbox doctor' });
			try {
				const facts = await databaseFacts(pool);
				findings.push({
					name: 'server',
					ok: facts.versionNumber >= 150_000,
					says: `PostgreSQL ${facts.version}, ${withoutPassword(url)}`,
					mend: 'PostgreSQL 15 or newer is needed',
				});
				findings.push({
					name: 'timescaledb',
					ok: true,
					says: facts.timescaledb ?? 'not installed: plain tables are used',
				});
				const offset = Math.abs(facts.now.getTime() - Date.now());
				findings.push({
					name: 'clock',
					ok: offset < 1_000,
					says: `${offset} ms from the database's`,
					mend: 'synchronise this machine by NTP',
				});
				const isMatching = await find('schema', 'run botbox migrate', async () => {
					await requireMatchingSchema(pool);
					return 'matches this version';
				});
				if (!isMatching) return;
				const workers = await listView(pool, 'worker_status', { where: { status: 'RUNNING' } });
				findings.push({
					name: 'workers',
					ok: workers.length > 0,
					says: `${workers.length} running`,
					mend: 'start one with botbox worker, or everything with botbox up',
				});
				for (const exchange of await listView(pool, 'exchange_health')) {
					const isClosed = exchange.breaker_state === 'CLOSED';
					findings.push({
						name: `exchange ${exchange.exchange_id}`,
						ok: isClosed,
						says: `breaker ${exchange.breaker_state}${isClosed ? '' : `: ${exchange.last_error}`}`,
						mend: 'it is probed again by itself; see its status page',
					});
				}
				for (const channel of await listView(pool, 'alert_channels', { orderBy: 'channel_id' })) {
					const isDead = channel.state === 'DEAD';
					findings.push({
						name: `alert channel ${channel.name}`,
						ok: !isDead,
						says: `${channel.state}${channel.consecutive_failures === 0 ? '' : `: ${channel.last_error}`}`,
						mend: `see what is wrong with ${channel.target}, then botbox alerts test ${channel.name}`,
					});
				}
			} finally {
				await pool.end();
			}
		});
		return 'answers';
	});
	return findings;
}

/** One finding for what was loaded, and one for each file that was not. */
async function examineStrategies(config: Config, findings: Finding[]): Promise<void> {
	const [all, faults] = await withCatalogue(config, (catalogue) => Promise.all([catalogue.list(), catalogue.faults()]));
	const own = all.flatMap(({ name, file }) => (file === null ? [] : [`${name} (${file})`]));
	findings.push({ name: 'own strategies', ok: true, says: own.length === 0 ? 'none' : own.join(', ') });
	for (const { file, message } of faults) {
		const mend = 'mend the file, then start the workers again: see docs/strategies/own.md';
		findings.push({ name: `strategy file ${file}`, ok: false, says: message, mend });
	}
}
