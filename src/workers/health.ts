/** A worker's answers to whoever watches it, such as a container engine or Prometheus: alive, ready to work, what it did. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { listView } from '../database/listing.ts';
import type { Pool } from '../database/pool.ts';
import { BotboxError, errorMessage } from '../errors.ts';
import { processRegistry, startProcessMetrics } from '../metrics.ts';

export interface HealthServer {
	readonly port: number;
	close(): Promise<void>;
}

/** `/metrics`: what this worker counted, for Prometheus. `/healthz`: the process answers. `/readyz`: the database answers too, and the last heartbeat is young. */
export async function serveHealth(options: {
	host: string;
	port: number;
	pool: Pool;
	workerId: string;
}): Promise<HealthServer> {
	startProcessMetrics();
	const server = createServer((request, response) => {
		const answer = (status: number, body: object): void => {
			response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
			response.end(`${JSON.stringify(body)}\n`);
		};
		if (request.method !== 'GET') return answer(405, { status: 'only GET is answered' });
		if (request.url === '/healthz') return answer(200, { status: 'alive', worker: options.workerId });
		if (request.url === '/metrics') {
			processRegistry.metrics().then(
				(text) => {
					response.writeHead(200, { 'content-type': processRegistry.contentType, 'cache-control': 'no-store' });
					response.end(text);
				},
				(error: unknown) => answer(500, { status: errorMessage(error) }),
			);
			return;
		}
		if (request.url !== '/readyz') return answer(404, { status: 'no such path' });
		listView(options.pool, 'worker_status', { where: { worker_id: options.workerId, status: 'RUNNING' } }).then(
			(rows) => answer(rows.length > 0 ? 200 : 503, { status: rows.length > 0 ? 'ready' : 'no heartbeat for 30 s' }),
			(error: unknown) => answer(503, { status: `database: ${errorMessage(error)}` }),
		);
	});
	await new Promise<void>((resolve, reject) => {
		server.once('error', (error: NodeJS.ErrnoException) =>
			reject(
				error.code === 'EADDRINUSE' ? new BotboxError('PORT_IN_USE', `port ${options.port} is already in use`) : error,
			),
		);
		server.listen(options.port, options.host, resolve);
	});
	return {
		port: (server.address() as AddressInfo).port,
		close: () => new Promise((resolve) => server.close(() => resolve())),
	};
}
