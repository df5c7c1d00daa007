/**
 * The event streams of a process. However many bots there are and however many streams, the database is asked once a second,
 * each row is written as text once, and streams with the same filter are given the very same bytes.
 *
 * A reader that does not read is dropped once 256 KiB wait for it, never buffered: it comes back with Last-Event-ID.
 */
import type { ServerResponse } from 'node:http';
import { errorMessage } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { accessChanged, type Changes } from './changes.ts';
import { type Batch, type Feed, type Interest, mostItems, type Topic } from './feed.ts';

export interface Subscription {
	readonly topics: readonly Topic[];
	/** Only what is about this bot, and every alert; null: all. */
	readonly botId: number | null;
	/** Last-Event-ID; null: from now on. */
	readonly after: number | null;
	/** Names what was shown at the door, so that many streams of one token are looked up once. */
	readonly credential: string;
	isStillValid(): Promise<boolean>;
}

export interface HubOptions {
	readonly feed: Feed;
	readonly changes: Changes;
	readonly log: Logger;
	/** Between two looks at the database, ms. */
	readonly roundMs?: number;
	/** Between two signs of life, ms; revoked tokens are found by then at the latest, and a look that failed is repeated. */
	readonly heartbeatMs?: number;
}

export interface Hub {
	/** The response must have its headers already. */
	add(response: ServerResponse, subscription: Subscription): void;
	readonly size: number;
	/** Readers that were dropped since the start. */
	readonly dropped: number;
	/** Resolves when what was known to have changed has been sent. */
	settled(): Promise<void>;
	close(): void;
}

interface Client extends Subscription {
	readonly response: ServerResponse;
	readonly filter: string;
	/** Whether something waited for it already at the last sign of life. */
	isBehind: boolean;
}

export const mostBufferedBytes = 262_144;

export function createHub({ feed, changes, log, roundMs = 1_000, heartbeatMs = 15_000 }: HubOptions): Hub {
	const clients = new Set<Client>();
	let dropped = 0;
	let isRunning = false;
	let isClosed = false;
	let round: NodeJS.Timeout | null = null;
	let lastRoundAt = Number.NEGATIVE_INFINITY;
	// One after the other: a stream that is being caught up must neither miss a round nor get it twice.
	let work: Promise<unknown> = Promise.resolve();
	const enqueue = (task: () => Promise<void>): void => {
		work = work.then(task).catch((error: unknown) => log.warn({ error: errorMessage(error) }, 'event streams'));
	};

	const remove = (client: Client): void => {
		clients.delete(client);
		client.response.destroy();
	};
	/** Whoever may not read any more. An answer that is whole is no error in the reader's eyes; one that still waits is not waited for. */
	const dismiss = (client: Client): void => {
		const isWhole = client.response.writableLength === 0;
		if (isWhole) client.response.end();
		else client.response.destroy();
		clients.delete(client);
	};
	const send = (client: Client, bytes: Buffer): void => {
		const { response } = client;
		if (response.destroyed || response.writableLength + bytes.length > mostBufferedBytes) {
			dropped += 1;
			remove(client);
			return;
		}
		response.write(bytes);
	};
	const broadcast = (encode: (client: Client) => Buffer | null): void => {
		const encoded = new Map<string, Buffer | null>();
		for (const client of clients) {
			const known = encoded.get(client.filter);
			const bytes = known === undefined ? encode(client) : known;
			encoded.set(client.filter, bytes);
			if (bytes !== null) send(client, bytes);
		}
	};

	const look = async (): Promise<void> => {
		lastRoundAt = performance.now();
		if (clients.size === 0) return;
		const { batch, isLost } = await feed.read(interestOf(clients));
		if (isLost) broadcast(() => resetMessage(feed.mark));
		else if (batch !== null) broadcast((client) => encodeBatch(batch, client));
		// Changes notify nobody: who notifies waits for the commits of all others that do. After a failure the next sign of life looks again.
		schedule();
	};
	const schedule = (): void => {
		if (round !== null || clients.size === 0 || isClosed) return;
		round = setTimeout(
			() => {
				round = null;
				enqueue(look);
			},
			Math.max(0, lastRoundAt + roundMs - performance.now()),
		);
	};
	const checkAccess = async (): Promise<void> => {
		const verdicts = new Map<string, boolean>();
		for (const client of [...clients]) {
			const isValid = verdicts.get(client.credential) ?? (await client.isStillValid());
			verdicts.set(client.credential, isValid);
			if (!isValid) dismiss(client);
		}
	};
	const heartbeat = setInterval(() => {
		const sign = Buffer.from(`: alive\nid: ${feed.mark}\n\n`);
		for (const client of clients) {
			const waits = client.response.writableLength > 0;
			if (waits && client.isBehind) {
				dropped += 1;
				remove(client);
				continue;
			}
			client.isBehind = waits;
			send(client, sign);
		}
		enqueue(checkAccess);
		schedule();
	}, heartbeatMs);
	heartbeat.unref();
	const unsubscribe = changes.subscribe((what) => {
		if (what === accessChanged) enqueue(checkAccess);
		else schedule();
	});

	const catchUp = async (client: Client): Promise<void> => {
		if (!isRunning || clients.size === 0) {
			await feed.start();
			isRunning = true;
		}
		if (client.response.destroyed) return;
		clients.add(client);
		schedule();
		// One that came while the others were dismissed: it would keep the server from ending.
		if (isClosed) return dismiss(client);
		if (client.after === null) return send(client, Buffer.from(`: alive\nid: ${feed.mark}\n\n`));
		const batch = await feed.since(client.after, interestOf([client]));
		const missed = batch === null ? resetMessage(feed.mark) : encodeBatch(batch, client);
		send(client, missed ?? Buffer.from(`id: ${feed.mark}\n\n`));
	};

	return {
		add: (response, subscription) => {
			const filter = `${subscription.topics.join()} ${subscription.botId}`;
			const client: Client = { ...subscription, response, filter, isBehind: false };
			response.once('close', () => clients.delete(client));
			response.on('error', () => remove(client));
			enqueue(async () => {
				try {
					await catchUp(client);
				} catch (error) {
					// It would wait for ever: cut off, it comes again.
					remove(client);
					throw error;
				}
			});
		},
		get size() {
			return clients.size;
		},
		get dropped() {
			return dropped;
		},
		settled: async () => {
			enqueue(look);
			await work;
		},
		close: () => {
			isClosed = true;
			clearInterval(heartbeat);
			if (round !== null) clearTimeout(round);
			unsubscribe();
			for (const client of [...clients]) dismiss(client);
		},
	};
}

function interestOf(clients: Iterable<Pick<Client, 'topics' | 'botId'>>): Interest {
	let allChecks = false;
	const bots = new Set<number>();
	for (const { topics, botId } of clients) {
		if (!topics.includes('checks')) continue;
		if (botId === null) allChecks = true;
		else bots.add(botId);
	}
	return { allChecks, bots };
}

/** The lists are to be read anew: what happened in between is more than is told one by one. */
function resetMessage(mark: number): Buffer {
	return Buffer.from(`event: reset\nid: ${mark}\ndata: {}\n\n`);
}

/** Null: nothing in it is for this filter. Only the last message carries the mark: what came whole counts as seen. */
function encodeBatch(batch: Batch, filter: Pick<Client, 'topics' | 'botId'>): Buffer | null {
	const messages = filter.topics.flatMap((topic) => messageOf(batch, topic, filter.botId));
	return messages.length === 0 ? null : Buffer.from(`${messages.join('\n')}id: ${batch.mark}\n\n`);
}

function messageOf({ items, omitted }: Batch, topic: Topic, botId: number | null): string[] {
	const all = items.get(topic) ?? [];
	let left = omitted.get(topic) ?? 0;
	let chosen = all;
	if (botId === null) {
		// Beside the newest there may be checks that only streams of one bot asked for.
		chosen = all.slice(-mostItems);
		left += all.length - chosen.length;
	} else if (topic !== 'alerts') {
		chosen = all.filter((item) => item.botId === botId);
		// Checks of this bot are all here; of what was left out of other topics it is not known whose it is.
		if (topic === 'checks') left = 0;
	}
	if (chosen.length === 0 && left === 0) return [];
	return [`event: ${topic}\ndata: {"items":[${chosen.map(({ json }) => json).join(',')}],"omitted":${left}}\n`];
}
