/** The API process: its connections, the application, and the socket that it listens on. */
import type { AddressInfo } from 'node:net';
import type { Config } from '../config.ts';
import { findShortage, poolSize } from '../database/connection-budget.ts';
import { createJobs } from '../database/jobs.ts';
import { listen } from '../database/listener.ts';
import { requireMatchingSchema } from '../database/migrate/matching.ts';
import { createPool } from '../database/pool.ts';
import { requireSettings } from '../database/pooler.ts';
import { listRows } from '../database/views/define.ts';
import { apiTokens } from '../database/views/operation.ts';
import { BotboxError, errorMessage } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { observePool } from '../metrics.ts';
import { openCatalogue } from '../sandbox/catalogue.ts';
import { buildApp } from './app.ts';
import { isLoopbackAddress } from './caller.ts';
import { changeChannel, createChanges } from './events/changes.ts';
import { createManualChecks, manualCheckChannel } from './manual-checks.ts';

export interface ApiOptions {
	readonly databaseUrl: string;
	/** `host` and `port` are listened on; port 0 takes a free one. `databaseReadUrl` serves lists where it is set. */
	readonly config: Config;
	readonly log: Logger;
	readonly version: string;
	/** The built page; null serves none. */
	readonly pageDir: string | null;
	/** Of one token or address, and refused beyond; the default is that of `ApiContext`. */
	readonly requestsPerMinute?: number;
}

export interface Api {
	readonly host: string;
	readonly port: number;
	/** Such as `http://127.0.0.1:8085/`. */
	readonly url: string;
	/** Ends within 20 s: requests under way are answered, connections that ask for nothing are cut off. */
	close(): Promise<void>;
}

const statementTimeoutMs = 10_000;

export async function startApi(options: ApiOptions): Promise<Api> {
	const { config, log, databaseUrl } = options;
	const isPooled = config.databaseDirectUrl !== null;
	const cleanups: (() => Promise<void>)[] = [];
	const close = async (): Promise<void> => {
		for (const clean of cleanups.splice(0).reverse()) {
			await clean().catch((error: unknown) => log.debug({ error: errorMessage(error) }, 'while closing'));
		}
	};
	const connect = (url: string, name: string, use: 'main' | 'read') => {
		const pool = createPool({ url, max: poolSize, applicationName: name, statementTimeoutMs, isPooled });
		cleanups.push(() => pool.end());
		const forgetPool = observePool(pool, use);
		cleanups.push(async () => forgetPool());
		return pool;
	};
	try {
		const pool = connect(databaseUrl, 'botbox api', 'main');
		await requireMatchingSchema(pool);
		await requireSettings(pool);
		if (!isLoopbackAddress(config.host)) {
			const valid = await listRows(pool, apiTokens, { limit: 1, where: { is_valid: true } });
			if (valid.items.length === 0) throw refusal(config.host);
		}
		const readPool =
			config.databaseReadUrl === null || config.databaseReadUrl === databaseUrl
				? pool
				: connect(config.databaseReadUrl, 'botbox api (reads)', 'read');
		if (readPool !== pool) await requireSettings(readPool);
		const shortage = await findShortage(pool, { isPooled, hasReadPool: false, starting: 'api' });
		if (shortage !== undefined) log.warn({ connections: shortage }, 'the server may run out of connections');
		const jobs = await createJobs({
			pool,
			isSupervisor: false,
			onError: (error) => log.warn({ error: error.message }, 'pg-boss'),
		});
		cleanups.push(() => jobs.stop());
		const manualChecks = createManualChecks();
		const changes = createChanges();
		const listener = await listen({
			url: config.databaseDirectUrl ?? databaseUrl,
			applicationName: 'botbox api listener',
			channels: [manualCheckChannel, changeChannel],
			onNotification: (channel, payload) => (channel === changeChannel ? changes : manualChecks).notify(payload),
			// Whatever was told while nobody listened is looked for.
			onConnect: () => changes.notify('connected'),
			onError: (message) => log.debug({ message }, 'listener lost its connection'),
		});
		cleanups.push(() => listener.close());

		const catalogue = openCatalogue({
			folder: config.strategiesDir,
			onOutput: (file, line) => log.info({ file, line }, 'an own strategy says'),
		});
		cleanups.push(() => catalogue.close());

		const { version, pageDir, requestsPerMinute } = options;
		const { elsewhere } = catalogue;
		const app = await buildApp({
			...{ pool, readPool, jobs, manualChecks, changes, config, catalogue, elsewhere, log, version, pageDir },
			...(requestsPerMinute === undefined ? {} : { requestsPerMinute }),
		});
		cleanups.push(() => app.close());
		await app.listen({ host: config.host, port: config.port }).catch((error: unknown) => {
			throw listenFailure(error, config);
		});
		const { port } = app.server.address() as AddressInfo;
		const host = config.host.includes(':') ? `[${config.host}]` : config.host;
		log.info({ host: config.host, port }, 'api listens');
		return { host: config.host, port, url: `http://${host}:${port}/`, close };
	} catch (error) {
		await close();
		throw error;
	}
}

function refusal(host: string): BotboxError {
	return new BotboxError(
		'CONFIGURATION_INVALID',
		`the API would listen on ${host}, beyond this machine, and there is no valid token: run botbox tokens create --role admin first`,
	);
}

function listenFailure(error: unknown, { host, port }: Config): unknown {
	const code = error instanceof Error && 'code' in error ? error.code : undefined;
	if (code === 'EADDRINUSE') {
		return new BotboxError('PORT_IN_USE', `${host}:${port} is in use already`, { cause: error });
	}
	if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
		return new BotboxError('CONFIGURATION_INVALID', `cannot listen on ${host}:${port}: ${errorMessage(error)}`);
	}
	return error;
}
