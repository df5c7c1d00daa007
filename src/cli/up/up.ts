/**
 * `botbox up`: the whole system on one machine. Database, simulated exchange, worker, API and page, kept running until told
 * to end; starting again goes on where it stopped.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isLoopbackAddress } from '../../api/caller.ts';
import { hashToken } from '../../api/door.ts';
import { newSecret } from '../../api/session-cookie.ts';
import type { Config } from '../../config.ts';
import { type EmbeddedServer, lockDataDir, startEmbedded } from '../../database/embedded/server.ts';
import { createLoginCode } from '../../database/functions/access.ts';
import { setExchangeAddress } from '../../database/functions/administration.ts';
import { hasAccounts } from '../../database/installation.ts';
import { listView } from '../../database/listing.ts';
import { migrate } from '../../database/migrate/migrate.ts';
import { createPool, type Pool } from '../../database/pool.ts';
import { BotboxError, errorMessage, UsageError } from '../../errors.ts';
import { createVenues } from '../../exchange/registry.ts';
import { createLogger } from '../../logger.ts';
import { publishStrategies } from '../../market/strategy-versions.ts';
import { readRecording } from '../../simulator/market/recording.ts';
import { recordMarkets } from '../../workers/refresh-markets.ts';
import { untilToldToEnd } from '../lifetime.ts';
import { actor, masterKey } from '../session.ts';
import { type Child, startChild } from './children.ts';
import { createDemo } from './demo.ts';
import { showLiveStatus } from './live-status.ts';
import { introduceKey, isFree, readSimulatorState, type SimulatorState } from './simulated-exchange.ts';

export interface UpOptions {
	readonly port?: number;
	readonly demo: boolean;
	readonly exchange: string;
	readonly market?: string;
}

const readyWithinMs = 60_000;
/** Children end in this order; a worker may take 20 s to finish what it has begun. */
const patienceMs = 22_000;

export async function up(config: Config, options: UpOptions): Promise<void> {
	if (options.market !== undefined && options.exchange !== 'sim')
		throw new UsageError('--market goes with the simulated exchange only');
	if (options.market !== undefined) checkRecording(options.market);
	const dataDir = resolve(config.dataDir);
	const port = options.port ?? config.port;
	const told = untilToldToEnd();
	const lock = await lockDataDir(dataDir);
	// A taken port, too, is told before anything is started.
	if (!(await isFree(port, config.host))) {
		await lock.release();
		throw new BotboxError(
			'PORT_IN_USE',
			`port ${port} of ${config.host} is already in use: choose another with --port`,
		);
	}
	const children: Child[] = [];
	let server: EmbeddedServer | null = null;
	const say = (line: string): void => void process.stdout.write(`${line}\n`);
	try {
		server = config.databaseUrl === null ? await startEmbedded({ dataDir, log: say }) : null;
		const databaseUrl = config.databaseUrl ?? server?.url ?? '';
		const directUrl = config.databaseDirectUrl ?? databaseUrl;
		const report = await migrate({ url: directUrl });
		if (report.changed)
			say(`database migrated (${report.migrations.length} migrations, ${report.functions} functions)`);

		const key = await masterKey(config);
		const env = {
			DATABASE_URL: databaseUrl,
			BOTBOX_DATA_DIR: dataDir,
			BOTBOX_MASTER_KEY: key,
			BOTBOX_PORT: String(port),
			...(config.strategiesDir === null ? {} : { BOTBOX_STRATEGIES: resolve(config.strategiesDir) }),
		};
		const start = (name: string, args: readonly string[]): void => {
			children.push(
				startChild({
					name,
					args,
					env,
					logDir: join(dataDir, 'logs'),
					onExit: (line) => process.stderr.write(`botbox: ${line}\n`),
				}),
			);
		};
		const simulator = options.exchange === 'sim' ? await readSimulatorState(dataDir) : null;
		if (simulator !== null) {
			const market = options.market === undefined ? [] : ['--market', resolve(options.market)];
			start('simulator', [
				'simulator',
				'--port',
				String(simulator.port),
				'--state-dir',
				join(dataDir, 'simulator'),
				...market,
			]);
			await introduceKey(simulatorUrl(simulator), simulator);
		}
		await prepare(directUrl, config, options, simulator, key, say);
		start('worker', ['worker']);
		start('api', ['api', '--port', String(port)]);

		const page = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}/`;
		await writeFile(join(dataDir, 'page.url'), `${page}\n`);
		const isReady = await Promise.race([waitUntilReady(page), told.then(() => false)]);
		if (isReady) {
			say(`botbox ready ${page}`);
			// The embedded server belongs to whoever started it: one click instead of a token. Elsewhere tokens are handed out.
			if (server !== null && isLoopbackAddress(config.host)) {
				say(`log in once, within 30 minutes: ${page}#/login/${await makeLoginCode(directUrl)}`);
			}
			const status = showLiveStatus(directUrl);
			await told;
			await status.stop();
		}
		say('stopping');
	} finally {
		for (const child of children.reverse()) await child.stop(patienceMs);
		await server?.stop();
		await lock.release();
	}
}

/** The code goes behind `#`, which no browser sends anywhere by itself: the page hands it in, and it is worth one session. */
async function makeLoginCode(url: string): Promise<string> {
	const pool = createPool({ url, max: 1, applicationName: 'botbox up' });
	try {
		const code = newSecret();
		await createLoginCode(pool, { codeHash: hashToken(code), role: 'admin', actor: actor() });
		return code;
	} finally {
		await pool.end();
	}
}

/** Looked at before anything is started: a bad recording should cost one line, not a system that does not come up. */
function checkRecording(file: string): void {
	if (!existsSync(file)) throw new UsageError(`--market: there is no file ${file}`);
	try {
		readRecording(resolve(file));
	} catch (error) {
		throw new UsageError(`--market: ${errorMessage(error)}`, { cause: error });
	}
}

export function simulatorUrl({ port }: Pick<SimulatorState, 'port'>): string {
	return `http://127.0.0.1:${port}`;
}

/** Markets, strategies and, in an empty database, the demonstration. */
async function prepare(
	url: string,
	config: Config,
	options: UpOptions,
	simulator: SimulatorState | null,
	key: string,
	say: (line: string) => void,
): Promise<void> {
	const pool = createPool({ url, max: 4, applicationName: 'botbox up' });
	try {
		await requireToken(pool, config.host);
		await publishStrategies(pool);
		if (simulator !== null) await setExchangeAddress(pool, { exchangeId: 'sim', baseUrl: simulatorUrl(simulator) });
		const log = createLogger({ level: 'silent', name: 'up' });
		const venues = createVenues({ pool, workerId: 'up', log, masterKey: key, liveAccounts: config.liveAccounts });
		try {
			await recordMarkets({ pool, venues }, options.exchange);
		} catch (error) {
			throw new BotboxError(
				'INTERNAL',
				`the markets of ${options.exchange} could not be read: ${errorMessage(error)}`,
				{ cause: error },
			);
		}
		if (options.demo && !(await hasAccounts(pool))) {
			const bots = await createDemo(pool, {
				exchangeId: options.exchange,
				actor: actor(),
				live: simulator === null ? null : { apiKey: simulator.apiKey, secret: simulator.secret, masterKey: key },
				balancesOf: async (accountId) => await (await venues.tradingVenue(accountId)).balances(),
			});
			say(`created ${bots} demo bots`);
		}
	} finally {
		await pool.end();
	}
}

/** The API does not start beyond loopback without a token: said at once, rather than after waiting for it. */
async function requireToken(pool: Pool, host: string): Promise<void> {
	if (isLoopbackAddress(host)) return;
	if ((await listView(pool, 'api_tokens', { where: { is_valid: true }, limit: 1 })).length > 0) return;
	throw new BotboxError(
		'CONFIGURATION_INVALID',
		`BOTBOX_HOST ${host} reaches beyond this machine, and there is no valid token: run botbox tokens create --role admin first`,
	);
}

async function waitUntilReady(page: string): Promise<boolean> {
	const deadline = Date.now() + readyWithinMs;
	let last = 'no answer';
	while (Date.now() < deadline) {
		try {
			const response = await fetch(`${page}readyz`, { signal: AbortSignal.timeout(2_000) });
			if (response.status === 200) return true;
			last = `it answered ${response.status}: ${(await response.text()).slice(0, 300)}`;
		} catch (error) {
			last = errorMessage(error);
		}
		await new Promise((done) => setTimeout(done, 150));
	}
	throw new BotboxError('INTERNAL', `${page}readyz did not become ready within 60 s: ${last}`);
}
