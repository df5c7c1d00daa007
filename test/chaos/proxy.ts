/** A TCP proxy on loopback that can be cut: connections under way are reset, new ones are refused until it is mended. */
import { createConnection, createServer, type Socket } from 'node:net';
import { type OrderTap, tapOrders } from './order-tap.ts';

export interface CuttableProxy {
	readonly port: number;
	cut(): void;
	mend(): void;
	readonly isCut: boolean;
	close(): Promise<void>;
}

export async function startProxy(
	target: { readonly host: string; readonly port: number },
	tap?: OrderTap,
): Promise<CuttableProxy> {
	const sockets = new Set<Socket>();
	let isCut = false;
	const keep = (socket: Socket): void => {
		sockets.add(socket);
		socket.setNoDelay(true);
		socket.once('close', () => sockets.delete(socket));
	};
	const server = createServer((near) => {
		if (isCut) return void near.resetAndDestroy();
		const far = createConnection(target);
		keep(near);
		keep(far);
		if (tap === undefined) near.pipe(far).pipe(near);
		else tapOrders(near, far, tap);
		for (const [one, other] of [
			[near, far],
			[far, near],
		] as const) {
			one.on('error', () => other.destroy());
			one.once('close', () => other.destroy());
		}
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
	const reset = (): void => {
		for (const socket of sockets) socket.resetAndDestroy();
	};
	return {
		port: address.port,
		get isCut() {
			return isCut;
		},
		cut: () => {
			isCut = true;
			reset();
		},
		mend: () => {
			isCut = false;
		},
		close: async () => {
			reset();
			await new Promise<void>((resolve) => server.close(() => resolve()));
		},
	};
}

export function addressOf(url: string): { readonly host: string; readonly port: number } {
	const { hostname, port } = new URL(url);
	return { host: hostname, port: Number(port) };
}

/** The same URL by way of a proxy. */
export function atPort(url: string, port: number): string {
	const changed = new URL(url);
	changed.hostname = '127.0.0.1';
	changed.port = String(port);
	// As it was written: an address of an exchange ends without a slash.
	return url.endsWith('/') ? changed.href : changed.href.replace(/\/$/, '');
}
