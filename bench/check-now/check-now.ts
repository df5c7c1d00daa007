/**
 * `check-now`: how long a person waits for Check now, by HTTP, on the demonstration at work: simulated exchange, worker of all roles
 * and API in one process, so that each also waits for the others. The scheduled checks of the same bots go on meanwhile, and the
 * points of their grids that were missed are a figure of their own.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { hashToken } from '../../src/api/door.ts';
import { startApi } from '../../src/api/server.ts';
import { ensureMarkets } from '../../src/cli/market-access.ts';
import { createDemo } from '../../src/cli/up/demo.ts';
import { readConfig } from '../../src/config.ts';
import { createToken, setExchangeAddress } from '../../src/database/functions/administration.ts';
import type { Pool } from '../../src/database/pool.ts';
import { createLogger } from '../../src/logger.ts';
import { publishStrategies } from '../../src/market/strategy-versions.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { startWorker } from '../../src/workers/main.ts';
import type { BenchContext, Benchmark, Figure } from '../benchmark.ts';

const token = 'bench-check-now-token';
const roles = ['tick', 'check', 'execute', 'feed', 'guard', 'monitor'] as const;
/** A few a second: a person and some scripts. */
const paceMs = 200;
const warmUpMs = 240_000;
/** A point of the grid that has no check by then was left out. */
const patienceMs = 60_000;

export const checkNow: Benchmark = {
	name: 'check-now',
	title: 'Check now by HTTP on the demonstration at work, and whether scheduled checks keep their grid beside it',
	run: measureCheckNow,
};

export async function measureCheckNow({ pool, url, isQuick, log }: BenchContext): Promise<Figure[]> {
	const simulator = await startSimulator({ seed: 7 });
	const config = { ...readConfig({}), port: 0 };
	const quiet = createLogger({ level: 'silent', name: 'bench' });
	const closing: (() => Promise<void>)[] = [() => simulator.close()];
	try {
		await setExchangeAddress(pool, { exchangeId: 'sim', baseUrl: simulator.url });
		await ensureMarkets(pool, config, 'sim');
		await publishStrategies(pool);
		const bots = await createDemo(pool, {
			exchangeId: 'sim',
			actor: 'bench',
			live: null,
			balancesOf: async () => ({}),
		});
		await createToken(pool, { name: 'bench', role: 'operator', tokenHash: hashToken(token), actor: 'bench' });
		const shared = { databaseUrl: url, config, log: quiet, version: 'bench' };
		const worker = await startWorker({ ...shared, roles, masterKey: Buffer.alloc(32, 7).toString('base64') });
		closing.push(() => worker.stop());
		const api = await startApi({ ...shared, pageDir: null });
		closing.push(() => api.close());
		log(`${bots} bots; waiting for candles and for the first checks`);
		const ids = await checkedBots(pool);

		const count = isQuick ? 20 : 400;
		const { rows: clock } = await pool.query<{ now: Date }>('select now()');
		const spent: number[] = [];
		for (let i = 0; i < count; i++) {
			const begun = performance.now();
			const answer = await fetch(`${api.url}api/v1/bots/${ids[i % ids.length]}/check`, {
				method: 'POST',
				headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
				body: '{}',
			});
			await answer.arrayBuffer();
			if (!answer.ok) throw new Error(`check now answered ${answer.status}`);
			spent.push(performance.now() - begun);
			await sleep(paceMs);
		}
		const points = await gridBetween(pool, clock[0]?.now ?? new Date());
		const missed = points.filter(({ late_seconds: late }) => late === null);
		log(`${count} checks by hand, ${points.length} points of grids meanwhile, ${missed.length} without their check`);
		for (const point of missed) log(`bot ${point.bot_id} was not checked for ${point.due_at.toISOString()}`);
		return describe(count, bots, spent, points);
	} finally {
		for (const close of closing.reverse()) await close();
	}
}

/** Bots that have been checked with candles, once as many of them as are due every minute have been. */
async function checkedBots(pool: Pool): Promise<readonly number[]> {
	const until = performance.now() + warmUpMs;
	for (;;) {
		const { rows } = await pool.query<{ id: number; is_ready: boolean }>(
			`select b.id, exists (select from botbox.checks c where c.bot_id = b.id and c.candle_at is not null) as is_ready
			   from botbox.bots b
			  where b.interval_minutes = 1
			  order by b.id`,
		);
		if (rows.length > 0 && rows.every(({ is_ready }) => is_ready)) return rows.map(({ id }) => id);
		if (performance.now() > until) throw new Error('the demonstration was not at work in time');
		await sleep(500);
	}
}

interface Point {
	readonly bot_id: number;
	readonly due_at: Date;
	/** Null: no check of this point was recorded. */
	readonly late_seconds: number | null;
}

/** Points of the grids of the bots that are checked every minute, with how late each was checked; a late one is waited for. */
async function gridBetween(pool: Pool, from: Date): Promise<readonly Point[]> {
	const { rows: clock } = await pool.query<{ now: Date }>('select now()');
	const until = performance.now() + patienceMs;
	for (;;) {
		const { rows } = await pool.query<Point>(
			`select b.id as bot_id, g.due_at, extract(epoch from c.recorded_at - g.due_at)::float8 as late_seconds
			   from botbox.bots b
			  cross join generate_series(date_bin('1 minute', $1, 'epoch') + interval '1 minute', $2::timestamptz, '1 minute') as g (due_at)
			   left join botbox.checks c on c.bot_id = b.id and c.kind = 'SCHEDULED' and c.due_at = g.due_at
			  where b.interval_minutes = 1
			  order by g.due_at, b.id`,
			[from, clock[0]?.now],
		);
		if (rows.every(({ late_seconds: late }) => late !== null) || performance.now() > until) return rows;
		await sleep(500);
	}
}

function describe(count: number, bots: number, values: readonly number[], points: readonly Point[]): Figure[] {
	const sorted = [...values].sort((a, b) => a - b);
	const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
	const figure = (metric: string, value: number, unit: string): Figure => ({
		...{ benchmark: 'check-now', case: `${count} checks, ${bots} demo bots`, metric, value, unit },
		...{ floor: null, peers: {} },
	});
	const answered = [
		figure('check now answered, median', at(0.5), 'ms'),
		figure('check now answered, p95', at(0.95), 'ms'),
		figure('points of the grid that passed meanwhile', points.length, ''),
	];
	// A trial run may be over before a minute is.
	if (points.length === 0) return answered;
	return [
		...answered,
		figure(
			'points of the grid without their check',
			points.filter(({ late_seconds: late }) => late === null).length,
			'',
		),
		figure(
			'latest check of the grid, after it was due',
			Math.max(...points.map(({ late_seconds: late }) => late ?? 0)),
			's',
		),
	];
}
