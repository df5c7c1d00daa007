/**
 * pg-boss's schema and the queues of botbox. Only `migrate` creates them; processes start pg-boss with
 * `{ migrate: false, createSchema: false }`.
 *
 * What pg-boss 12.35 does, read from its source:
 * - A singleton key by itself constrains nothing: uniqueness comes from the queue's policy. `short` is a unique index
 *   on (name, coalesce(singleton_key, '')) over rows in state `created`, and insert() does `on conflict do nothing`: at
 *   most one job of a key waits, while others of that key may be active or in retry. A job without a key counts as
 *   the key ''. The policy of a queue cannot be changed later.
 * - A fetched job is `active` until completed, failed or expired. Expiry (`started_on + expire_seconds`) is looked for
 *   by the supervisor, every `monitorIntervalSeconds` (60 by default): a dead worker's job becomes `failed` (retry
 *   limit 0) up to a minute after its lease ended. That does not delay the bot: the tick makes a new job when the claim
 *   has lapsed, and `short` lets that job in beside the active one.
 * - `deleteAfterSeconds: 0` means never; 1 is the least. Deletion itself is done by maintenance, once a day unless
 *   `maintenanceIntervalSeconds` says otherwise: a process that supervises sets it to 60.
 * - `retentionSeconds` counts from `start_after` and deletes jobs that nobody fetched.
 * - Nothing at run time needs DDL: create_queue() makes tables only for `partition: true`, and the daily partitions of
 *   queue_stats are made only with `persistQueueStats`. LISTEN needs no privilege.
 */
import { createRequire } from 'node:module';
import { PgBoss, type QueuePolicy } from 'pg-boss';
import { BotboxError } from '../../errors.ts';

export const jobSchema = 'pgboss';

export interface JobQueue {
	readonly name: 'tick' | 'check' | 'check_manual' | 'deliver_alert';
	readonly policy: QueuePolicy;
	readonly expireInSeconds: number;
	readonly retryLimit: number;
	readonly retryDelay?: number;
	readonly retryBackoff?: boolean;
	readonly retentionSeconds: number;
	readonly deleteAfterSeconds: number;
	readonly notify?: boolean;
}

/** A fetched check job expires after this long, in seconds; longer than the bot's claim, which ends after 30 s. */
export const checkLeaseSeconds = 60;

export const jobQueues: readonly JobQueue[] = [
	// One tick waits at most: missed minutes need no tick of their own, since due bots are found from the tables.
	{ name: 'tick', policy: 'short', expireInSeconds: 60, retryLimit: 0, retentionSeconds: 300, deleteAfterSeconds: 1 },
	// One waiting job per bot. No retry: a retry is a new job, made when the claim has lapsed.
	{
		name: 'check',
		policy: 'short',
		expireInSeconds: checkLeaseSeconds,
		retryLimit: 0,
		retentionSeconds: 3_600,
		deleteAfterSeconds: 1,
	},
	// Somebody waits for the answer: woken by NOTIFY, and of no use after five minutes.
	{
		name: 'check_manual',
		policy: 'short',
		expireInSeconds: checkLeaseSeconds,
		retryLimit: 0,
		retentionSeconds: 300,
		deleteAfterSeconds: 1,
		notify: true,
	},
	// Messages to the outside: tried again after 5, 10, 20 … s, the last time about twenty minutes later; kept for a day to look at.
	{
		name: 'deliver_alert',
		policy: 'standard',
		expireInSeconds: 60,
		retryLimit: 8,
		retryDelay: 5,
		retryBackoff: true,
		retentionSeconds: 86_400,
		deleteAfterSeconds: 86_400,
	},
];

/** The schema version that the installed pg-boss expects. */
export const jobSchemaVersion: number = readJobSchemaVersion();

function readJobSchemaVersion(): number {
	const manifest = createRequire(import.meta.url)('pg-boss/package.json') as { pgboss: { schema: number } };
	return manifest.pgboss.schema;
}

/** Installs or upgrades pg-boss's schema and brings every queue to its definition. Returns what was changed. */
export async function migrateJobQueues(url: string): Promise<string[]> {
	const errors: unknown[] = [];
	const boss = new PgBoss({
		connectionString: url,
		schema: jobSchema,
		application_name: 'botbox migrate',
		max: 2,
		migrate: true,
		createSchema: true,
		supervise: false,
		schedule: false,
	});
	boss.on('error', (error) => errors.push(error));
	const changed: string[] = [];
	try {
		await boss.start();
		const present = new Map((await boss.getQueues()).map((queue) => [queue.name, queue]));
		for (const { name, ...options } of jobQueues) {
			const queue = present.get(name);
			if (queue === undefined) {
				await boss.createQueue(name, options);
				changed.push(`created queue ${name}`);
				continue;
			}
			const { policy, ...changeable } = options;
			if (queue.policy !== policy) {
				throw new BotboxError(
					'SCHEMA_MISMATCH',
					`queue ${name} has policy ${queue.policy} and needs ${policy}, which pg-boss cannot change: delete the queue`,
				);
			}
			const differs = Object.entries(changeable).some(([key, value]) => queue[key as keyof typeof queue] !== value);
			if (!differs) continue;
			await boss.updateQueue(name, changeable);
			changed.push(`updated queue ${name}`);
		}
	} finally {
		await boss.stop({ graceful: false }).catch((error: unknown) => errors.push(error));
	}
	if (errors.length > 0) throw errors[0];
	return changed;
}
