/**
 * LISTEN on a connection of its own, held as long as the process lives: session state does not survive a pooler in
 * transaction mode. A notification only wakes somebody who would have looked anyway, so a lost one costs time, not work.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { errorMessage } from '../errors.ts';

export interface ListenerOptions {
	readonly url: string;
	readonly applicationName: string;
	readonly channels: readonly string[];
	readonly onNotification: (channel: string, payload: string) => void;
	/** After every (re)connection: whatever was notified meanwhile was missed. */
	readonly onConnect?: () => void;
	readonly onError?: (message: string) => void;
}

export interface Listener {
	close(): Promise<void>;
}

/** Resolves once connected; afterwards it reconnects by itself, after 0.1 to 5 s. */
export async function listen(options: ListenerOptions): Promise<Listener> {
	const stopping = new AbortController();
	let client: pg.Client | undefined;

	const connect = async (): Promise<void> => {
		const next = new pg.Client({
			connectionString: options.url,
			application_name: options.applicationName,
			keepAlive: true,
			connectionTimeoutMillis: 10_000,
		});
		next.on('notification', ({ channel, payload }) => options.onNotification(channel, payload ?? ''));
		next.on('error', (error) => options.onError?.(errorMessage(error)));
		next.once('end', () => {
			if (client === next && !stopping.signal.aborted) void reconnect();
		});
		await next.connect();
		for (const channel of options.channels) await next.query(`listen ${pg.escapeIdentifier(channel)}`);
		client = next;
		if (stopping.signal.aborted) await next.end();
		else options.onConnect?.();
	};

	const reconnect = async (): Promise<void> => {
		for (let delayMs = 100; !stopping.signal.aborted; delayMs = Math.min(delayMs * 2, 5_000)) {
			await sleep(delayMs, undefined, { signal: stopping.signal }).catch(() => undefined);
			try {
				await connect();
				return;
			} catch (error) {
				options.onError?.(errorMessage(error));
			}
		}
	};

	await connect();
	return {
		close: async () => {
			stopping.abort();
			await client?.end().catch(() => undefined);
		},
	};
}
