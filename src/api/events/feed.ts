/**
 * What changed, read once for all streams of a process. Rows of `events` only name what changed; the rows themselves come from the
 * reporting views, so that a stream carries exactly what the lists carry.
 *
 * Numbers of events are given when a transaction writes, not when it commits: one that is missing between two may still appear. It
 * is looked for again for half a minute, and the mark by which a stream is resumed stays before it. A resumed stream may therefore
 * repeat rows, and never lacks one.
 */
import { type EventRow, findEventRange, findEvents } from '../../database/functions/access.ts';
import type { Pool } from '../../database/pool.ts';
import { checks, signals } from '../../database/views/bots.ts';
import { findRows } from '../../database/views/define.ts';
import { orders, positions, trades } from '../../database/views/execution.ts';
import { alerts } from '../../database/views/operation.ts';

export const topics = ['checks', 'signals', 'trades', 'orders', 'positions', 'alerts'] as const;
export type Topic = (typeof topics)[number];

/** One row as text, and the bot that it is about. */
export interface Item {
	readonly botId: number | null;
	readonly json: string;
}

/** What one look at the events gave. */
export interface Batch {
	/** Every event up to here is in this batch or an earlier one. */
	readonly mark: number;
	readonly items: ReadonlyMap<Topic, readonly Item[]>;
	/** Rows of a topic that changed and are not among its items. */
	readonly omitted: ReadonlyMap<Topic, number>;
}

export interface Interest {
	/** Whether somebody wants checks of every bot. */
	readonly allChecks: boolean;
	/** Bots whose checks somebody wants, however many others there are. */
	readonly bots: ReadonlySet<number>;
}

/** Rows of one topic in one batch: with 100,000 bots a second has more checks than anybody reads. */
export const mostItems = 200;
const eventsAtOnce = 1_000;
const missingForMs = 30_000;

export interface Feed {
	/** Begins with what comes from now on. */
	start(): Promise<void>;
	/** What came since the last call; null: nothing. `isLost`: more than can be told one by one. */
	read(interest: Interest): Promise<{ batch: Batch | null; isLost: boolean }>;
	/** What came after `mark` and was read before; null: that is no longer kept. */
	since(mark: number, interest: Interest): Promise<Batch | null>;
	readonly mark: number;
}

export function createFeed(pool: Pool): Feed {
	let newest = 0;
	const missing = new Map<number, number>();
	const markOf = (): number => Math.min(newest, ...[...missing.keys()].map((id) => id - 1));

	const note = (events: readonly EventRow[], now: number): void => {
		for (const { eventId } of events) missing.delete(eventId);
		for (const [id, since] of missing) if (now - since > missingForMs) missing.delete(id);
		const last = events.at(-1)?.eventId ?? newest;
		const known = new Set(events.map(({ eventId }) => eventId));
		for (let id = newest + 1; id < last; id++) if (!known.has(id)) missing.set(id, now);
		newest = Math.max(newest, last);
	};

	return {
		get mark() {
			return markOf();
		},
		start: async () => {
			newest = (await findEventRange(pool, {}))[0]?.newestId ?? 0;
			missing.clear();
		},
		read: async (interest) => {
			const events = await findEvents(pool, { after: newest, missing: [...missing.keys()], limit: eventsAtOnce });
			if (events.length >= eventsAtOnce) {
				newest = (await findEventRange(pool, {}))[0]?.newestId ?? newest;
				missing.clear();
				return { batch: null, isLost: true };
			}
			note(events, performance.now());
			return { batch: events.length === 0 ? null : await readRows(pool, events, interest, markOf()), isLost: false };
		},
		since: async (mark, interest) => {
			const [range] = await findEventRange(pool, {});
			if (range === undefined || mark + 1 < range.oldestId || mark > range.newestId) return null;
			const events = await findEvents(pool, { after: mark, limit: eventsAtOnce });
			if (events.length >= eventsAtOnce) return null;
			// What is newer than this process has read comes with its next look.
			const read = events.filter(({ eventId }) => eventId <= newest);
			return await readRows(pool, read, interest, markOf());
		},
	};
}

async function readRows(pool: Pool, events: readonly EventRow[], interest: Interest, mark: number): Promise<Batch> {
	const items = new Map<Topic, readonly Item[]>();
	const omitted = new Map<Topic, number>();
	for (const topic of topics) {
		const own = events.filter((event) => event.topic === topic);
		if (own.length === 0) continue;
		const all = own.flatMap(({ keys, at }) => keys.map((key) => ({ key, at })));
		const wanted = topic === 'checks' ? chooseChecks(all, interest) : chooseNewest(all);
		omitted.set(topic, all.length - wanted.length);
		items.set(topic, await itemsOf(pool, topic, wanted));
	}
	return { mark, items, omitted };
}

interface Key {
	readonly key: string;
	readonly at: string;
}

function chooseChecks(all: readonly Key[], { allChecks, bots }: Interest): Key[] {
	const watched = all.filter(({ key }) => bots.has(Number(key)));
	const others = allChecks ? all.filter(({ key }) => !bots.has(Number(key))).slice(-mostItems) : [];
	return [...watched, ...others];
}

/** Several changes of one thing are one row: it is read as it is now. */
function chooseNewest(all: readonly Key[]): Key[] {
	return [...new Map(all.map((entry) => [entry.key, entry])).values()].slice(-mostItems);
}

async function itemsOf(pool: Pool, topic: Topic, keys: readonly Key[]): Promise<Item[]> {
	if (keys.length === 0) return [];
	const texts = keys.map(({ key }) => key);
	const rows = async (): Promise<readonly object[]> => {
		switch (topic) {
			case 'checks': {
				const found: object[] = [];
				for (const [at, entries] of Map.groupBy(keys, (entry) => entry.at)) {
					const bots = entries.map(({ key }) => key);
					found.push(...(await findRows(pool, checks, 'bot_id', bots, { recorded_at: at })));
				}
				return found;
			}
			case 'signals':
				return await findRows(pool, signals, 'signal_id', texts);
			case 'trades':
				return await findRows(pool, trades, 'trade_id', texts);
			case 'orders':
				return await findRows(pool, orders, 'order_id', texts);
			case 'positions':
				return await findRows(pool, positions, 'position_id', texts);
			default:
				return await findRows(pool, alerts, 'alert_id', texts);
		}
	};
	return (await rows()).map((row) => ({
		botId: 'bot_id' in row && typeof row.bot_id === 'number' ? row.bot_id : null,
		json: JSON.stringify(row),
	}));
}
