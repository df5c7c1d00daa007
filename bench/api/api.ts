/**
 * `api`: requests a second and their latency, of the API as a process has it, on 1,000 bots with a history; and how long a change takes to reach
 * 500 event streams. The floor is the server's answer to /healthz, which asks nobody.
 */
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import autocannon from 'autocannon';
import { startApi } from '../../src/api/server.ts';
import { readConfig } from '../../src/config.ts';
import { raiseAlert } from '../../src/database/functions/guards.ts';
import type { Pool } from '../../src/database/pool.ts';
import { createLogger } from '../../src/logger.ts';
import { type Benchmark, type Figure, median, percentile } from '../benchmark.ts';
import { createHistory } from '../views/history.ts';

const connections = 10;
const streams = 500;

export const api: Benchmark = {
	name: 'api',
	title: 'requests a second of the API, and a change on its way to 500 event streams',
	run: async ({ pool, url, isQuick, log }) => {
		await createHistory(pool, isQuick ? { bots: 50, days: 2 } : { bots: 1_000, days: 7 }, log);
		const { rows } = await pool.query<{ id: number }>('select min(id) as id from botbox.bots');
		const config = { ...readConfig({}), port: 0 };
		const server = await startApi({
			databaseUrl: url,
			config,
			log: createLogger({ level: 'silent', name: 'bench' }),
			version: 'bench',
			pageDir: null,
			// One client stands for many.
			requestsPerMinute: 1_000_000_000,
		});
		try {
			const base = `http://127.0.0.1:${server.port}`;
			const seconds = isQuick ? 1 : 15;
			const floor = await fire(`${base}/healthz`, seconds);
			const figures: Figure[] = [];
			for (const [name, path] of [
				['overview', '/api/v1/overview'],
				['bots, 100 a page', '/api/v1/bots?limit=100'],
				['a bot', `/api/v1/bots/${rows[0]?.id}`],
				['signals, 100 a page', '/api/v1/signals?limit=100'],
			] as const) {
				const { perSecond, late } = await fire(base + path, seconds);
				log(`${name}: ${perSecond.toFixed(0)} requests/s`);
				const shared = { benchmark: 'api', case: name, peers: {} };
				figures.push(
					{
						...shared,
						metric: `requests, ${connections} connections`,
						value: perSecond,
						unit: '1/s',
						floor: floor.perSecond,
					},
					{ ...shared, metric: 'latency, p95', value: late, unit: 'ms', floor: floor.late },
				);
			}
			return [...figures, ...(await measureFanOut(pool, server.port, isQuick ? 5 : 50))];
		} finally {
			await server.close();
		}
	},
};

async function fire(url: string, seconds: number): Promise<{ perSecond: number; late: number }> {
	// Warm: the first answers compile.
	await autocannon({ url, connections, duration: 1 });
	const times: number[] = [];
	const { promise, resolve, reject } = Promise.withResolvers<autocannon.Result>();
	const firing = autocannon({ url, connections, duration: seconds }, (error: Error | null, told) =>
		error === null ? resolve(told) : reject(error),
	);
	// Its own summary knows the 90th and the 97.5th percentile, and none between.
	firing.on('response', (_client, _status, _bytes, ms) => times.push(ms));
	const result = await promise;
	if (result.non2xx > 0 || result.errors > 0)
		throw new Error(`${url}: ${result.non2xx} answers other than 2xx, ${result.errors} errors`);
	return { perSecond: result.requests.average, late: percentile(times, 0.95) };
}

/** From the change of a row to the last of 500 streams that was told. */
async function measureFanOut(pool: Pool, port: number, changes: number): Promise<Figure[]> {
	const sockets: Socket[] = [];
	let told = 0;
	let onTold = (): void => {};
	try {
		for (let n = 0; n < streams; n += 1) {
			const socket = connect(port, '127.0.0.1');
			sockets.push(socket);
			await new Promise<void>((resolve, reject) => {
				socket.once('error', reject);
				socket.on('data', (chunk) => {
					resolve();
					if (!chunk.includes('event: alerts')) return;
					told += 1;
					onTold();
				});
				socket.write('GET /api/v1/events?topics=alerts HTTP/1.1\r\nhost: localhost\r\n\r\n');
			});
		}
		const times: number[] = [];
		for (let change = 0; change < changes; change += 1) {
			const all = Promise.withResolvers<void>();
			told = 0;
			onTold = () => {
				if (told >= streams) all.resolve();
			};
			const begun = performance.now();
			await raiseAlert(pool, {
				severity: 'WARNING',
				code: 'STRATEGY_FAILING',
				subject: `bench ${change}`,
				message: 'a change for every stream',
			});
			await all.promise;
			times.push(performance.now() - begun);
		}
		const shared = { benchmark: 'api', case: `${streams} event streams`, floor: null, peers: {}, unit: 'ms' };
		return [
			{ ...shared, metric: 'a change until all are told, median', value: median(times) },
			{ ...shared, metric: 'a change until all are told, p95', value: percentile(times, 0.95) },
		];
	} finally {
		for (const socket of sockets) socket.destroy();
	}
}
