/** Commands that keep running: up, worker, api, simulator. */
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { UsageError } from '../../errors.ts';
import { createLogger } from '../../logger.ts';
import { type Role, roles } from '../../workers/context.ts';
import { portNumber, wholeNumber } from '../arguments.ts';
import { untilToldToEnd } from '../lifetime.ts';
import { checkSchema, masterKey, readEnvironment, requireDatabase, withDatabaseUrl } from '../session.ts';
import { packageRoot, version } from '../version.ts';

const exchanges = ['sim', 'bybit', 'bybit_testnet', 'binance', 'binance_testnet'];

export function registerProcesses(program: Command): void {
	program
		.command('up')
		.description(
			'run the whole system: database, workers, API and page, with the simulated exchange unless told otherwise',
		)
		.option('--port <port>', 'port of the API and the page', portNumber)
		.option('--no-demo', 'create no demo bots in an empty database')
		.addOption(new Option('--exchange <name>', 'exchange to read and paper-trade on').choices(exchanges).default('sim'))
		.option('--market <file>', 'recorded candles (CSV) that the simulated exchange repeats, such as BTC-USDT_1m.csv')
		.action(async (options: { port?: number; demo: boolean; exchange: string; market?: string }) => {
			const config = readEnvironment();
			// Loaded when needed: the exchange libraries take longer to load than most commands to run.
			const { up } = await import('../up/up.ts');
			await up(config, options);
		});

	program
		.command('worker')
		.description('run a worker; any number may run')
		.option('--roles <roles>', `what it does: ${roles.join(',')}`, parseRoles, [...roles])
		.option('--health-port <port>', 'answer /healthz, /readyz and /metrics on this port of BOTBOX_HOST', portNumber)
		.action(async (options: { roles: Role[]; healthPort?: number }) => {
			const config = readEnvironment();
			requireDatabase(config);
			const { startWorker } = await import('../../workers/main.ts');
			const log = createLogger({ level: config.logLevel, name: 'worker' });
			const told = untilToldToEnd();
			await withDatabaseUrl(config, async (directUrl, databaseUrl) => {
				await checkSchema(directUrl);
				const worker = await startWorker({
					databaseUrl,
					masterKey: await masterKey(config),
					config,
					roles: options.roles,
					log,
					version,
					...(options.healthPort === undefined ? {} : { health: { host: config.host, port: options.healthPort } }),
				});
				log.info({ reason: await told }, 'worker is stopping');
				await worker.stop();
			});
			process.exit(0);
		});

	program
		.command('api')
		.description('run the API and the page')
		.option('--port <port>', 'port to listen on', portNumber)
		.action(async (options: { port?: number }) => {
			const read = readEnvironment();
			const config = options.port === undefined ? read : { ...read, port: options.port };
			requireDatabase(config);
			const { startApi } = await import('../../api/server.ts');
			const log = createLogger({ level: config.logLevel, name: 'api' });
			const told = untilToldToEnd();
			await withDatabaseUrl(config, async (_directUrl, databaseUrl) => {
				const api = await startApi({
					databaseUrl,
					config,
					log,
					version,
					pageDir: resolve(packageRoot, 'dist', 'dashboard'),
				});
				log.info({ reason: await told }, 'api is stopping');
				await api.close();
			});
			process.exit(0);
		});

	program
		.command('simulator')
		.description('run the simulated exchange, which speaks Bybit v5')
		.option('--port <port>', 'port to listen on, 0 for any', portNumber, 0)
		.option('--state-dir <dir>', 'keep its state here; without it the state is lost at the end')
		.option('--market <file>', 'repeat these recorded candles (CSV)')
		.option('--seed <number>', 'seed of its markets', wholeNumber, 1)
		.action(async (options: { port: number; stateDir?: string; market?: string; seed: number }) => {
			const { startSimulator } = await import('../../simulator/simulator.ts');
			const told = untilToldToEnd();
			const simulator = await startSimulator({
				port: options.port,
				seed: options.seed,
				instrumentCount: 16,
				...(options.stateDir === undefined ? {} : { stateDir: resolve(options.stateDir) }),
				...(options.market === undefined ? {} : { marketFile: resolve(options.market) }),
			});
			process.stdout.write(`simulator ready ${simulator.url}\n`);
			await told;
			await simulator.close();
			process.exit(0);
		});
}

function parseRoles(text: string): Role[] {
	return text.split(',').map((name) => {
		const role = roles.find((known) => known === name.trim());
		if (role === undefined) throw new UsageError(`--roles: ${name} is not one of ${roles.join(', ')}`);
		return role;
	});
}
