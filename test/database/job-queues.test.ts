/** What botbox relies on in pg-boss, shown on the installed version, as the role that processes work as. */
import { PgBoss } from 'pg-boss';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { jobQueues, migrateJobQueues } from '../../src/database/migrate/job-queues.ts';
import { withStartupSettings } from '../../src/database/pool.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let boss: PgBoss;
let errors: unknown[];
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
	await database.pool.query('delete from pgboss.job');
	errors = [];
	boss = new PgBoss({
		connectionString: withStartupSettings(database.url, { role: 'botbox_app' }),
		schema: 'pgboss',
		migrate: false,
		createSchema: false,
		max: 4,
		cronWorkerIntervalSeconds: 1,
		useListenNotify: true,
	});
	boss.on('error', (error) => errors.push(error));
	await boss.start();
});
afterEach(async () => {
	await boss.stop({ graceful: false });
	expect(errors).toEqual([]);
});

async function states(queue: string): Promise<string[]> {
	const { rows } = await database.pool.query<{ state: string }>(
		'select state::text as state from pgboss.job where name = $1 order by 1',
		[queue],
	);
	return rows.map((row) => row.state);
}

describe('queues', () => {
	test('are as defined, and a second run changes nothing', async () => {
		expect(await migrateJobQueues(database.url)).toEqual([]);
		for (const { name, ...options } of jobQueues) expect(await boss.getQueue(name)).toMatchObject(options);
	});

	test('that were changed by hand are brought back; one with another policy is refused', async () => {
		await boss.updateQueue('check', { expireInSeconds: 7 });
		expect(await migrateJobQueues(database.url)).toEqual(['updated queue check']);
		expect(await boss.getQueue('check')).toMatchObject({ expireInSeconds: 60 });
		await database.pool.query(`update pgboss.queue set policy = 'standard' where name = 'deliver_alert'`);
		await database.pool.query(`update pgboss.queue set policy = 'singleton' where name = 'tick'`);
		await expect(migrateJobQueues(database.url)).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' });
		await database.pool.query(`update pgboss.queue set policy = 'short' where name = 'tick'`);
	});
});

describe('as role botbox_app', () => {
	test('a job goes its whole way: inserted in bulk, fetched, completed, failed, expired, deleted', async () => {
		await boss.insert('check', [{ singletonKey: '1' }, { singletonKey: '2' }, { singletonKey: '3' }]);
		const jobs = await boss.fetch('check', { batchSize: 3 });
		expect(jobs).toHaveLength(3);
		const [first, second] = jobs.map((job) => job.id);
		await boss.complete('check', first!);
		await boss.fail('check', second!);
		await database.pool.query(`update pgboss.job set started_on = now() - interval '61 s' where state = 'active'`);
		await database.pool.query('update pgboss.queue set monitor_on = null, maintain_on = null');
		await boss.supervise('check');
		// No retry: the expired job is failed, and the tick makes another.
		expect(await states('check')).toEqual(['completed', 'failed', 'failed']);
		await database.pool.query(`update pgboss.job set completed_on = now() - interval '2 s'`);
		await database.pool.query('update pgboss.queue set monitor_on = null, maintain_on = null');
		await boss.supervise('check');
		expect(await states('check')).toEqual([]);
	});

	test('cron, LISTEN and queue statistics need no right beyond those granted', async () => {
		await boss.schedule('tick', '* * * * *', null, { tz: 'UTC' });
		expect(await boss.getSchedules()).toMatchObject([{ name: 'tick', cron: '* * * * *' }]);
		await boss.unschedule('tick');
		expect(await boss.getQueueStats('check')).toBeDefined();
		await expect(boss.createQueue('partitioned', { partition: true })).rejects.toMatchObject({ code: '42501' });
	});
});

describe('policy short', () => {
	test('admits one waiting job of a key, and another beside an active one', async () => {
		const twice = [{ singletonKey: '7' }, { singletonKey: '7' }];
		await boss.insert('check', twice);
		await boss.insert('check', twice);
		expect(await states('check')).toEqual(['created']);
		expect(await boss.fetch('check', { batchSize: 10 })).toHaveLength(1);
		await boss.insert('check', twice);
		expect(await states('check')).toEqual(['created', 'active'].sort());
		// Nothing guards activity: both may be active at once. That is the claim's matter.
		expect(await boss.fetch('check', { batchSize: 10 })).toHaveLength(1);
		expect(await states('check')).toEqual(['active', 'active']);
	});

	test('counts a job without a key as one more key', async () => {
		await boss.insert('tick', [{}, {}]);
		expect(await states('tick')).toEqual(['created']);
	});

	test('a standard queue does not look at singleton keys', async () => {
		await boss.insert('deliver_alert', [{ singletonKey: '7' }, { singletonKey: '7' }]);
		expect(await states('deliver_alert')).toEqual(['created', 'created']);
	});
});

test('migrate is the only one to make the schema: without it, pg-boss refuses to start', async () => {
	await database.pool.query('update pgboss.version set version = version - 1');
	const other = new PgBoss({ connectionString: database.url, migrate: false, createSchema: false });
	other.on('error', () => {});
	await expect(other.start()).rejects.toThrow();
	await other.stop({ graceful: false });
	await database.pool.query('update pgboss.version set version = version + 1');
});
