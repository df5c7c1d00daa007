/**
 * One of many processes that ask the limiter for tokens at once; started by limiter-crowd.ts with its orders as JSON. It says
 * `ready`, begins at the time it is told, and answers what it was granted.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { acquireCall } from '../../src/database/functions/guards.ts';
import { createPool, type Pool } from '../../src/database/pool.ts';
import type { AskerOrders, AskerReport } from './limiter-crowd.ts';

type Work = (pool: Pool, orders: AskerOrders, endsAt: number) => Promise<AskerReport>;

/** Connections of one process, and callers that ask over them. */
const connections = 4;
const readers = 24;
const closeEveryMs = 1_000;

const works: Readonly<Record<AskerOrders['way'], Work>> = {
	gate: askByTheGate,
	acquire_call: (pool, { calls }, endsAt) =>
		count(endsAt, async () => {
			const [answer] = await acquireCall(pool, { exchangeId: 'sim', workerId: 'asker', calls });
			return answer?.grantedCalls ?? 0;
		}),
	'rate-limiter-flexible': async (pool, _, endsAt) => {
		const { RateLimiterPostgres } = await import('rate-limiter-flexible');
		const limiter = new RateLimiterPostgres({
			storeClient: pool,
			tableName: 'peer_limits',
			schemaName: 'public',
			tableCreated: true,
			points: 1_000_000_000,
			duration: 5,
		});
		return await count(endsAt, async () => {
			await limiter.consume('sim', 1);
			return 1;
		});
	},
	'row update': (pool, _, endsAt) =>
		count(endsAt, async () => {
			await pool.query('update public.bare_limits set granted = granted + 1 where id = 1');
			return 1;
		}),
};

async function count(endsAt: number, grant: () => Promise<number>): Promise<AskerReport> {
	let granted = 0;
	await Promise.all(
		Array.from({ length: connections }, async () => {
			while (Date.now() < endsAt) granted += await grant();
		}),
	);
	return { granted, reads: [], closes: [] };
}

/** As the exchange layer does: reads that wait for their grant, and a close a second that asks until it has one. */
async function askByTheGate(pool: Pool, orders: AskerOrders, endsAt: number): Promise<AskerReport> {
	const { createGate } = await import('../../src/exchange/call-exchange.ts');
	const { createLogger } = await import('../../src/logger.ts');
	const gate = createGate(
		{
			pool,
			workerId: `asker ${process.pid}`,
			log: createLogger({ level: 'silent', name: 'asker' }),
			masterKey: '',
			liveAccounts: [],
			// Patient: a read that gave up would not be a defect of the limiter's.
			timings: { longestReadWaitMs: 600_000, limiterTimeoutMs: 30_000 },
		},
		{ exchangeId: 'sim', family: 'bybit', exchangeTime: Date.now },
	);
	const call = { name: 'GET', weight: 1, ipBucket: 'all', account: null, isTelling: false } as const;
	const reads: number[] = [];
	const closes: { at: number; waitedMs: number }[] = [];
	const readOn = async (): Promise<void> => {
		while (Date.now() < endsAt)
			await gate
				.callExchange(call, async () => {
					reads.push(Date.now());
				})
				// Grants that lapse on a machine that is too busy; the next one may be used.
				.catch(() => undefined);
	};
	const closeOn = async (): Promise<void> => {
		await sleep(orders.offsetMs);
		while (Date.now() < endsAt) {
			const wantedAt = performance.now();
			for (;;) {
				const answer = await gate.askForGrant({ ...call, isUrgent: true });
				if ('lapsesAt' in answer && performance.now() < answer.lapsesAt) break;
				if ('refusal' in answer) await sleep(answer.retryAfterMs);
			}
			closes.push({ at: Date.now(), waitedMs: performance.now() - wantedAt });
			await sleep(closeEveryMs);
		}
	};
	await Promise.all([closeOn(), ...Array.from({ length: readers }, readOn)]);
	return { granted: reads.length + closes.length, reads, closes };
}

const orders = JSON.parse(process.argv[2] ?? '') as AskerOrders;
const pool = createPool({ url: orders.url, max: connections, applicationName: 'botbox asker' });
// Connections and modules are there before the time runs.
await Promise.all(Array.from({ length: connections }, () => pool.query('select 1')));
if (orders.way === 'gate') await import('../../src/exchange/call-exchange.ts');
process.on('disconnect', () => process.exit(1));
process.once('message', async ({ endsAt }: { endsAt: number }) => {
	const report = await works[orders.way](pool, orders, endsAt);
	await pool.end();
	process.send?.(report, () => process.disconnect());
});
process.send?.('ready');
