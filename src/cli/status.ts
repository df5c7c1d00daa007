/** The figures that `status` prints, for people and for programs, and one line of them for the live status. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Config } from '../config.ts';
import type { Queryable } from '../database/functions/define.ts';
import { listView, type ViewRow } from '../database/listing.ts';

/** Password hidden, for people and logs. */
export function withoutPassword(url: string): string {
	const parsed = new URL(url);
	if (parsed.password !== '') parsed.password = '***';
	return parsed.href;
}

export interface Status {
	readonly page: string;
	readonly database: string;
	readonly simulator?: string;
	readonly overview: ViewRow;
	readonly bots: readonly ViewRow[];
	readonly exchanges: readonly ViewRow[];
	readonly accounts: readonly ViewRow[];
	readonly checks: readonly ViewRow[];
	readonly signals: readonly ViewRow[];
	readonly queue: readonly ViewRow[];
	readonly orders: readonly ViewRow[];
	readonly positions: readonly ViewRow[];
	readonly rejections: readonly ViewRow[];
	readonly alerts: readonly ViewRow[];
	readonly alert_channels: readonly ViewRow[];
	readonly workers: readonly ViewRow[];
}

export async function readStatus(db: Queryable, config: Config, url: string): Promise<Status> {
	const [overview] = await listView(db, 'overview');
	const simulator = await simulatorAddress(config);
	return {
		page: await pageAddress(config),
		database: url,
		...(simulator === null ? {} : { simulator }),
		overview: overview ?? {},
		bots: await listView(db, 'bot_status', { orderBy: 'bot_id', limit: 10_000 }),
		exchanges: await listView(db, 'exchange_health', { orderBy: 'exchange_id' }),
		accounts: await listView(db, 'accounts', { orderBy: 'account_id' }),
		checks: await listView(db, 'checks', { orderBy: '-recorded_at', limit: 10 }),
		signals: await listView(db, 'signals', { orderBy: '-decided_at', limit: 10 }),
		queue: await listView(db, 'trades', { orderBy: '-queued_at', limit: 10 }),
		orders: await listView(db, 'orders', { orderBy: '-created_at', limit: 10 }),
		positions: await listView(db, 'positions', { where: { status: 'OPEN' }, orderBy: 'position_id' }),
		rejections: await listView(db, 'rejection_reasons', { orderBy: '-signals' }),
		alerts: await listView(db, 'alerts', { where: { resolved_at: null }, orderBy: '-opened_at' }),
		alert_channels: await listView(db, 'alert_channels', { orderBy: 'channel_id' }),
		workers: await listView(db, 'worker_status', { where: { status: 'RUNNING' }, orderBy: 'started_at' }),
	};
}

/** Where `up` put the page: its own note in the data directory, or what the configuration says. */
export async function pageAddress(config: Config): Promise<string> {
	const note = await readFile(join(resolve(config.dataDir), 'page.url'), 'utf8').catch(() => null);
	return note?.trim() ?? `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${config.port}/`;
}

export async function simulatorAddress(config: Config): Promise<string | null> {
	const text = await readFile(join(resolve(config.dataDir), 'simulator.json'), 'utf8').catch(() => null);
	return text === null ? null : `http://127.0.0.1:${(JSON.parse(text) as { port: number }).port}`;
}
