/**
 * pg-boss as botbox uses it: the cron that ticks, and queues of checks. It runs on our pool, so that the connections of
 * a process are bounded in one place. Its schema is made by `migrate` alone.
 */
import { type Job, PgBoss } from 'pg-boss';
import type { Queryable } from './functions/define.ts';
import type { Pool } from './pool.ts';

/** A scheduled check that is due: which bot, and the schedule point that it is due for. */
export interface CheckJob {
	readonly botId: number;
	/** ISO time: `next_check_at` as the tick saw it, the optimistic lock of the claim. */
	readonly dueAt: string;
}

export interface ManualCheckJob {
	readonly botId: number;
	/** ISO time: names the check, since manual checks have no schedule point. */
	readonly requestedAt: string;
	readonly isDryRun: boolean;
}

/** Messages to one channel that go together. */
export interface DeliveryJob {
	readonly channelId: number;
	readonly deliveryIds: readonly number[];
	/** Asked for by a person: a message without any alert. */
	readonly isTest?: boolean;
}

export interface FetchedDelivery extends FetchedJob<DeliveryJob> {
	/** Whether pg-boss will not try again if this attempt fails. */
	readonly isLast: boolean;
}

export interface FetchedJob<T> {
	readonly id: string;
	readonly data: T;
}

export interface Jobs {
	/** Puts one job per due bot into the queue; a bot that already waits there is passed over. */
	insertChecks(checks: readonly CheckJob[], startAfterMs?: (check: CheckJob) => number): Promise<void>;
	/** Takes up to `limit` checks; `ignoreStartAfter` for a simulated clock, which pg-boss cannot follow. */
	fetchChecks(limit: number, options?: { ignoreStartAfter?: boolean }): Promise<readonly FetchedJob<CheckJob>[]>;
	endChecks(ids: readonly string[]): Promise<void>;
	requestCheck(check: ManualCheckJob, startAfterMs?: number): Promise<void>;
	fetchManualChecks(limit: number): Promise<readonly FetchedJob<ManualCheckJob>[]>;
	endManualChecks(ids: readonly string[]): Promise<void>;
	/** In the transaction of `db`, with the rows that the jobs are about. */
	insertDeliveries(deliveries: readonly DeliveryJob[], db: Queryable): Promise<void>;
	/** A message that only says that messages arrive; tried once, since a person waits for what becomes of it. */
	requestChannelTest(channelId: number): Promise<void>;
	/** `ignoreStartAfter`: also those whose pause after a failure is not over. */
	fetchDeliveries(limit: number, options?: { ignoreStartAfter?: boolean }): Promise<readonly FetchedDelivery[]>;
	completeDelivery(id: string): Promise<void>;
	/** It comes back after a pause that doubles, until its last attempt. */
	failDelivery(id: string, error: string): Promise<void>;
	/** Runs `onTick` at every full minute in one of the processes that ask for it. */
	tickEveryMinute(onTick: () => Promise<void>): Promise<void>;
	stop(): Promise<void>;
}

export interface JobsOptions {
	readonly pool: Pool;
	/** Whether this process keeps pg-boss's clock and house: cron, expiry, deletion. Several may; they take turns. */
	readonly isSupervisor: boolean;
	readonly onError: (error: Error) => void;
}

const insertChunk = 5_000;

export async function createJobs(options: JobsOptions): Promise<Jobs> {
	const { pool } = options;
	const boss = new PgBoss({
		db: { executeSql: async (text, values) => await pool.query(text, values as unknown[]) },
		schema: 'pgboss',
		migrate: false,
		createSchema: false,
		schedule: options.isSupervisor,
		supervise: options.isSupervisor,
		// Cron is looked at, and its job fetched, every second: by default a tick may come 30 s late.
		cronMonitorIntervalSeconds: 1,
		cronWorkerIntervalSeconds: 1,
		maintenanceIntervalSeconds: 60,
		monitorIntervalSeconds: 60,
	});
	boss.on('error', options.onError);
	await boss.start();

	const fetch = async <T>(name: string, limit: number, ignoreStartAfter: boolean): Promise<FetchedJob<T>[]> => {
		const jobs: Job<T>[] = (await boss.fetch<T>(name, { batchSize: limit, ignoreStartAfter })) ?? [];
		return jobs.map(({ id, data }) => ({ id, data }));
	};
	// A finished check leaves nothing that its row in `checks` does not say better: deleted at once.
	const end = async (name: string, ids: readonly string[]): Promise<void> => {
		if (ids.length > 0) await boss.deleteJob(name, [...ids]);
	};

	return {
		insertChecks: async (checks, startAfterMs) => {
			// One order for all: two processes that insert the same bots in different orders would wait for each other.
			const ordered = [...checks].sort((a, b) => a.botId - b.botId);
			for (let from = 0; from < ordered.length; from += insertChunk) {
				await boss.insert(
					'check',
					ordered.slice(from, from + insertChunk).map((check) => {
						const delayMs = startAfterMs?.(check) ?? 0;
						return {
							data: check,
							singletonKey: String(check.botId),
							...(delayMs > 0 ? { startAfter: new Date(Date.now() + delayMs) } : {}),
						};
					}),
				);
			}
		},
		fetchChecks: (limit, { ignoreStartAfter = false } = {}) => fetch<CheckJob>('check', limit, ignoreStartAfter),
		endChecks: (ids) => end('check', ids),
		requestCheck: async (check, startAfterMs = 0) => {
			await boss.insert('check_manual', [
				{
					data: check,
					singletonKey: `${check.botId} ${check.requestedAt}`,
					...(startAfterMs > 0 ? { startAfter: new Date(Date.now() + startAfterMs) } : {}),
				},
			]);
			await pool.query(`select pg_notify('botbox_manual_requests', $1)`, [String(check.botId)]);
		},
		fetchManualChecks: (limit) => fetch<ManualCheckJob>('check_manual', limit, false),
		endManualChecks: (ids) => end('check_manual', ids),
		insertDeliveries: async (deliveries, db) => {
			if (deliveries.length === 0) return;
			const executeSql = async (text: string, values?: unknown[]) => await db.query(text, values);
			await boss.insert(
				'deliver_alert',
				deliveries.map((delivery) => ({ data: delivery })),
				{ db: { executeSql } },
			);
		},
		requestChannelTest: async (channelId) => {
			const data: DeliveryJob = { channelId, deliveryIds: [], isTest: true };
			await boss.insert('deliver_alert', [{ data, retryLimit: 0 }]);
			await pool.query(`select pg_notify('botbox_alerts', 'test')`);
		},
		fetchDeliveries: async (limit, { ignoreStartAfter = false } = {}) => {
			const fetched = await boss.fetch<DeliveryJob>('deliver_alert', {
				batchSize: limit,
				ignoreStartAfter,
				includeMetadata: true,
			});
			return fetched.map(({ id, data, retryCount, retryLimit }) => ({ id, data, isLast: retryCount >= retryLimit }));
		},
		completeDelivery: async (id) => void (await boss.complete('deliver_alert', id)),
		failDelivery: async (id, error) => void (await boss.fail('deliver_alert', id, { error })),
		tickEveryMinute: async (onTick) => {
			await boss.schedule('tick', '* * * * *');
			await boss.work('tick', { pollingIntervalSeconds: 0.5, batchSize: 1 }, async () => await onTick());
		},
		stop: async () => {
			await boss.stop({ graceful: true, timeout: 10_000, close: false });
		},
	};
}
