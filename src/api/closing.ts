/** Ends a server in bounded time, whatever its clients do. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Requests under way have their answer by then: no statement of theirs takes longer. */
const graceMs = 12_000;

/**
 * Node waits a minute for the first byte of a connection that has sent none, such as one that a browser opens in advance, and for ever
 * for an answer that nobody reads. The former are cut off at once, the latter after `graceMs`.
 */
export function boundClosing(app: FastifyInstance): void {
	const silent = new Set<Socket>();
	let isClosing = false;
	const server: Server = app.server;
	server.on('connection', (socket) => {
		if (isClosing) return void socket.destroy();
		silent.add(socket);
		socket.once('close', () => silent.delete(socket));
	});
	server.on('request', ({ socket }) => silent.delete(socket));
	app.addHook('preClose', async () => {
		isClosing = true;
		for (const socket of silent) socket.destroy();
		const forced = setTimeout(() => server.closeAllConnections(), graceMs);
		forced.unref();
		server.once('close', () => clearTimeout(forced));
	});
}
