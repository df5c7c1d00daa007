/**
 * What `botbox doctor` looks at: one finding each, with how to mend what is wrong. Changes nothing but the counts of limiter and breaker:
 * exchanges are asked through both, as workers do.
 */
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Config } from '../config.ts';
import { connectionsKept, readBudget } from '../database/connection-budget.ts';
import { loadExchangesInUse } from '../database/functions/guards.ts';
import { type DatabaseFacts, databaseFacts, storedCredentials } from '../database/installation.ts';
import { listView, type ViewRow } from '../database/listing.ts';
import { requireMatchingSchema } from '../database/migrate/matching.ts';
import { createPool, type Pool } from '../database/pool.ts';
import { withCatalogue } from './catalogue.ts';
import { examineSessions } from './doctor-sessions.ts';
import { type Finding, find, judge } from './findings.ts';
import { openVenues } from './market-access.ts';
import { masterKey, requireDatabase, withDatabaseUrl } from './session.ts';
import { withoutPassword } from './status.ts';

const leastDiskBytes = 2 ** 30;
const mostClockMs = 1_000;

export async function examine(config: Config): Promise<Finding[]> {
	const findings: Finding[] = [];
	const key = await findMasterKey(config, findings);
	if (config.strategiesDir !== null) await examineStrategies(config, findings);
	await find(findings, 'disk', 'free some space, or move BOTBOX_DATA_DIR to a larger disk', () => freeSpace(config));
	await find(findings, 'database', 'see that the server of DATABASE_URL runs and lets this user in', async () => {
		requireDatabase(config);
		await withDatabaseUrl(config, async (url, pooledUrl) => {
			const pool = createPool({ url, max: 2, applicationName: 'botbox doctor', statementTimeoutMs: 30_000 });
			try {
				await examineDatabase(pool, url, config, key, findings);
				await examineSessions(pool, { url, pooledUrl, isPooled: config.databaseDirectUrl !== null }, findings);
			} finally {
				await pool.end();
			}
		});
		return 'answers';
	});
	return findings;
}

/** The key, or null where there is none yet or it cannot be read; a missing one is not made. */
async function findMasterKey(config: Config, findings: Finding[]): Promise<string | null> {
	let key: string | null = null;
	await find(findings, 'master key', 'set BOTBOX_MASTER_KEY to 32 bytes in base64', async () => {
		if (config.masterKey === null && !existsSync(join(resolve(config.dataDir), 'master.key')))
			return 'none yet: it is made when it is first needed';
		key = await masterKey(config);
		return config.masterKey === null ? 'in the data directory' : 'in the environment';
	});
	return key;
}

async function freeSpace(config: Config): Promise<string> {
	let folder = resolve(config.dataDir);
	while (!existsSync(folder)) folder = dirname(folder);
	const { bavail, bsize } = await statfs(folder);
	const says = `${(Number(bavail * bsize) / 2 ** 30).toFixed(1)} GiB free for the data directory`;
	if (bavail * bsize < leastDiskBytes) throw new Error(`${says}: too little`);
	return says;
}

async function examineDatabase(
	pool: Pool,
	url: string,
	config: Config,
	key: string | null,
	findings: Finding[],
): Promise<void> {
	const askedAt = Date.now();
	const facts = await databaseFacts(pool);
	const answeredAt = Date.now();
	const server = `PostgreSQL ${facts.version}, ${withoutPassword(url)}`;
	judge(findings, 'server', facts.versionNumber >= 150_000, server, 'PostgreSQL 15 or newer is needed');
	findings.push({ name: 'timescaledb', ok: true, says: timescale(facts) });
	// It answered at some moment in between: a slow answer is no wrong clock.
	const offset = Math.max(askedAt - facts.now.getTime(), facts.now.getTime() - answeredAt, 0);
	judge(
		findings,
		'clock',
		offset < mostClockMs,
		offset === 0 ? `within ${answeredAt - askedAt} ms of the database's` : `${offset} ms or more from the database's`,
		"synchronise this machine's clock and the database's by NTP",
	);
	if (!(await find(findings, 'schema', 'run botbox migrate', () => matches(pool)))) return;
	const workers = await listView(pool, 'worker_status', { where: { status: 'RUNNING' } });
	judge(
		findings,
		'workers',
		workers.length > 0,
		`${workers.length} running`,
		'start one with botbox worker, or everything with botbox up',
	);
	await judgeConnections(pool, config, findings);
	await examineExchanges(pool, config, await listView(pool, 'exchange_health'), findings);
	await examineCredentials(pool, config, key, findings);
	await examineChannels(pool, findings);
}

async function examineChannels(pool: Pool, findings: Finding[]): Promise<void> {
	for (const channel of await listView(pool, 'alert_channels', { orderBy: 'channel_id' })) {
		const trouble = channel.consecutive_failures === 0 ? '' : `: ${channel.last_error}`;
		judge(
			findings,
			`alert channel ${channel.name}`,
			channel.state !== 'DEAD',
			`${channel.state}${trouble}`,
			`see what is wrong with ${channel.target}, then botbox alerts test ${channel.name}`,
		);
	}
}

async function matches(pool: Pool): Promise<string> {
	await requireMatchingSchema(pool);
	return 'matches this version';
}

function timescale({ timescaledb, version }: DatabaseFacts): string {
	if (timescaledb === null)
		return 'not installed: plain tables are used, which is enough; with it, checks and candles go by whole chunks';
	if (!timescaledb.includes('licence timescale'))
		return `${timescaledb}: hypertables without compression; the Community licence has it (PostgreSQL ${version})`;
	return `${timescaledb}: hypertables with compression`;
}

async function judgeConnections(pool: Pool, config: Config, findings: Finding[]): Promise<void> {
	const isPooled = config.databaseDirectUrl !== null;
	// A replica that is another address of the same server is counted there, too: rather too many than too few.
	const hasReadPool = config.databaseReadUrl !== null;
	const budget = await readBudget(pool, { isPooled, hasReadPool });
	const { workers, apis, needed, offered, connections } = budget;
	judge(
		findings,
		'connections',
		needed <= offered && connections < offered,
		`${connections} of ${offered} in use; ${workers} workers, ${apis} API and ${connectionsKept} others need up to ${needed}`,
		`set max_connections of the server to ${budget.enough} or more, run fewer workers, or put a pooler between: docs/operations.md, "Connections"`,
	);
}

async function examineExchanges(
	pool: Pool,
	config: Config,
	health: readonly ViewRow[],
	findings: Finding[],
): Promise<void> {
	for (const { exchange_id, breaker_state, last_error } of health) {
		const isClosed = breaker_state === 'CLOSED';
		judge(
			findings,
			`exchange ${exchange_id}`,
			isClosed,
			`breaker ${breaker_state}${isClosed ? '' : `: ${last_error}`}`,
			`it is probed again by itself; see its status page, then botbox breaker reset ${exchange_id}`,
		);
	}
	const used = await loadExchangesInUse(pool, {});
	if (used.length === 0) return;
	const venues = await openVenues(pool, config);
	for (const { exchangeId } of used) {
		let offsetMs: number | null = null;
		await find(
			findings,
			`connection to ${exchangeId}`,
			exchangeId === 'sim'
				? 'start the simulated exchange with botbox up'
				: 'see that this machine reaches the exchange: network, firewall, its status page, whether it serves this country',
			async () => {
				offsetMs = await (await venues.marketData(exchangeId)).measureClock();
				return 'answers';
			},
		);
		if (offsetMs === null) continue;
		judge(
			findings,
			`clock of ${exchangeId}`,
			Math.abs(offsetMs) < mostClockMs,
			`${Math.round(offsetMs)} ms ahead of this machine's`,
			'synchronise this machine by NTP: exchanges refuse requests that are a second off',
		);
	}
}

/** Whether the key in force reads them, whether this process may trade with them, and whether the exchange takes them. */
async function examineCredentials(pool: Pool, config: Config, key: string | null, findings: Finding[]): Promise<void> {
	const stored = await storedCredentials(pool);
	if (stored.length === 0) return;
	const { decryptCredentials } = await import('../exchange/credentials.ts');
	const { createVenues } = await import('../exchange/registry.ts');
	const { createLogger } = await import('../logger.ts');
	const log = createLogger({ level: 'silent', name: 'cli' });
	const venues = createVenues({
		pool,
		workerId: 'cli',
		log,
		masterKey: key ?? '',
		liveAccounts: config.liveAccounts,
	});
	for (const { accountId, name, exchangeId, credentials } of stored) {
		const isRead = await find(
			findings,
			`credentials of ${name}`,
			'set BOTBOX_MASTER_KEY to the key that they were encrypted with, or open the account anew',
			async () => {
				decryptCredentials(credentials, key ?? '');
				return 'decrypted';
			},
		);
		if (!isRead) continue;
		if (exchangeId !== 'sim' && !config.liveAccounts.includes(name)) {
			const says = 'not asked: BOTBOX_LIVE_ACCOUNTS does not name it, so this process does not trade it';
			findings.push({ name: `key of ${name}`, ok: true, says });
			continue;
		}
		await find(
			findings,
			`key of ${name}`,
			"see the key's permissions, allowed addresses and expiry at the exchange; it needs to read and to trade, never to withdraw",
			async () => {
				await (await venues.tradingVenue(accountId)).balances();
				return 'the exchange takes it';
			},
		);
	}
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
