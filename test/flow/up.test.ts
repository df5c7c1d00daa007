/** `botbox up` as a new user runs it: the whole system in real processes, ended, killed and started again. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ended, type Installation, loginLink, makeInstallation, type Status, until } from '../support/up.ts';

let installation: Installation;
beforeAll(async () => {
	installation = await makeInstallation();
});
afterAll(() => installation.remove(), 60_000);

/** Where the embedded server keeps its files; for root it may lie elsewhere than in the data directory. */
async function pgdata(): Promise<string> {
	const { dataDir } = installation;
	const note = JSON.parse(await readFile(join(dataDir, 'database.json'), 'utf8')) as { pgdata?: string };
	return resolve(dataDir, note.pgdata ?? 'postgres');
}

/** Polls the database with a bounded statement instead of sleeping: pg_sleep passes the time where the state changes. */
async function eventually(client: pg.Client, sql: string, seconds: number): Promise<void> {
	for (let i = 0; i < seconds * 4; i++) {
		const result = await client.query(sql);
		if (result.rows[0]?.holds === true) return;
		await client.query('select pg_sleep(0.25)');
	}
	const checks = await client.query('select outcome, reason_code, count(*) from botbox.checks group by 1, 2');
	throw new Error(`not within ${seconds} s: ${sql}\n${JSON.stringify(checks.rows)}`);
}

async function connect(): Promise<{ client: pg.Client; status: Status }> {
	const status = await installation.json<Status>('status');
	const client = new pg.Client({ connectionString: status.database });
	await client.connect();
	return { client, status };
}

const everyBotChecked = `select bool_and(exists (select from botbox.checks c where c.bot_id = b.id)) as holds from botbox.bots b`;
const bothAccountsTraded = `select count(distinct a.mode) = 2 as holds
  from botbox.trade_queue t join botbox.accounts a on a.id = t.account_id
  join botbox.positions p on p.account_id = a.id where t.status = 'EXECUTED'`;
const allSettled = `select not exists (select from botbox.orders where finished_at is null)
  and not exists (select from botbox.trade_queue where finished_at is null) as holds`;

async function expectAgreement(client: pg.Client, simulator: string): Promise<number> {
	const answer = (await (await fetch(`${simulator}/_sim/orders`)).json()) as {
		orders: { orderId: string; orderLinkId: string; cumExecQty: string }[];
	};
	const theirs = answer.orders
		.map((order) => `${order.orderId} ${order.orderLinkId} ${Number(order.cumExecQty)}`)
		.sort();
	const ours = await client.query(
		`select o.exchange_order_id || ' ' || coalesce(o.client_order_id, '') || ' ' || trim_scale(o.filled_quantity) as line
		   from botbox.orders o join botbox.accounts a on a.id = o.account_id
		  where a.mode = 'LIVE' and o.exchange_order_id is not null`,
	);
	expect(ours.rows.map((row) => row.line as string).sort()).toEqual(theirs);
	const duplicates = await client.query(`select hash from botbox.signals group by hash having count(*) > 1`);
	expect(duplicates.rows).toEqual([]);
	return theirs.length;
}

test('starts, trades within a minute, refuses a twin, ends cleanly, goes on, and recovers from kill -9 of everything', async () => {
	const { up, botbox, port } = installation;
	const first = await up();
	expect(first.output().match(/^botbox ready http:\/\/127\.0\.0\.1:\d+\/$/gm)).toHaveLength(1);
	const { client, status } = await connect();
	expect(status.page).toBe(`http://127.0.0.1:${port}/`);
	expect(status.overview.bots).toBeGreaterThanOrEqual(12);
	await eventually(client, everyBotChecked, 60);
	await eventually(client, bothAccountsTraded, 60);
	await eventually(client, allSettled, 60);
	expect(await expectAgreement(client, status.simulator)).toBeGreaterThan(0);
	expect((await fetch(`${status.page}healthz`)).status).toBe(200);
	expect((await fetch(`${status.page}readyz`)).status).toBe(200);

	// The link of the first start logs one browser in, once.
	const { code } = loginLink(first);
	const logIn = () =>
		fetch(`${status.page}api/v1/session`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ login_code: code }),
		});
	expect([(await logIn()).status, (await logIn()).status]).toEqual([201, 401]);

	// A second one on the same data directory says so and exits 1.
	const twin = botbox('up', '--port', String(port));
	expect(await ended(twin.child)).toBe(1);
	expect(twin.output().trim().split('\n')).toHaveLength(1);
	await client.end();

	// As from a terminal, whose Ctrl-C reaches the parents too, which pass it on.
	first.child.kill('SIGINT');
	await until(first, (output) => output.includes('stopping'));
	first.child.kill('SIGINT');
	expect(await ended(first.child)).toBe(0);
	expect(existsSync(join(await pgdata(), 'postmaster.pid')), 'the database is still running').toBe(false);

	const second = await up();
	const again = await connect();
	expect(again.status.overview.bots).toBe(status.overview.bots);
	await eventually(
		again.client,
		`select count(*) > 0 as holds from botbox.workers where stopped_at is null and heartbeat_at > now() - interval '15 seconds'`,
		30,
	);
	const pids = await again.client.query<{ process_id: number }>(
		'select process_id from botbox.workers where stopped_at is null',
	);
	await again.client.end();
	// Everything at once, as a power cut would: the parent, the worker, and whatever hangs on them.
	second.child.kill('SIGKILL');
	for (const { process_id } of pids.rows) process.kill(process_id, 'SIGKILL');

	await up();
	const recovered = await connect();
	await eventually(recovered.client, allSettled, 90);
	await expectAgreement(recovered.client, recovered.status.simulator);
	expect((await recovered.client.query('select * from botbox.check_ledger()')).rows).toEqual([]);
	await recovered.client.end();
}, 300_000);
