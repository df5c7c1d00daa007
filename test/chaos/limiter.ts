/**
 * Worker processes that ask the limiter for more than it has, for a while: in no window is more sent than 80% of what the
 * exchange publishes, hardly a token is left unused, and closes do not wait.
 *
 * The rate that the limiter is configured for is what its bucket can grant at all in that time: the burst that it begins with and
 * the refill. It is less than 80% of the published limit times the windows, by the quarter of a second that a grant may be old.
 */

import { migrate } from '../../src/database/migrate/migrate.ts';
import { createPool } from '../../src/database/pool.ts';
import type { Finding } from './books.ts';
import type { DrillReport } from './drill.ts';
import { gatherAskers, worstWindow } from './limiter-crowd.ts';

export interface LimiterDrill {
	readonly databaseUrl: string;
	readonly workers: number;
	readonly seconds: number;
	readonly log: (line: string) => void;
}

export interface LimiterFigures {
	readonly granted: number;
	readonly possible: number;
	readonly lapsed: number;
	readonly worstWindow: number;
	readonly allowedInWindow: number;
	readonly closes: number;
	readonly slowestCloseMs: number;
}

const leastUse = 0.95;
const longestCloseWaitMs = 1_000;

export async function drillLimiter(options: LimiterDrill): Promise<DrillReport> {
	await migrate({ url: options.databaseUrl });
	options.log(`${options.workers} processes ask for ${options.seconds} s`);
	const figures = await measureLimiter(options);
	const use = figures.granted / figures.possible;
	const broken = (rule: string, isBroken: boolean): Finding[] =>
		isBroken ? [{ rule, rows: 1, samples: [JSON.stringify(figures)] }] : [];
	return {
		failures: [
			...broken('in no window more than 80% of the published limit', figures.worstWindow > figures.allowedInWindow),
			...broken('at least 95% of what the bucket can grant is used', use < leastUse),
			...broken('closes get their tokens within a second', figures.slowestCloseMs > longestCloseWaitMs),
			...broken('closes were asked for', figures.closes < (options.workers * options.seconds) / 4),
		],
		figures: { ...figures, use: `${(use * 100).toFixed(1)}%` },
	};
}

/** Grants of all processes together, from the bucket of the simulated exchange's IP. */
export async function measureLimiter({ databaseUrl, workers, seconds }: LimiterDrill): Promise<LimiterFigures> {
	const pool = createPool({ url: databaseUrl, max: 1, applicationName: 'botbox limiter drill' });
	try {
		await pool.query(`delete from botbox.rate_limits where exchange_id = 'sim'`);
		const reports = await gatherAskers({ url: databaseUrl, way: 'gate', processes: workers, seconds });
		const { rows } = await pool.query<
			Record<'published' | 'window' | 'capacity' | 'refill' | 'granted' | 'seconds', number>
		>(
			`select published_limit::float8 as published, window_ms as window, capacity::float8 as capacity, refill_per_second::float8 as refill,
			        granted_count as granted, extract(epoch from refilled_at - paced_at)::float8 as seconds
			   from botbox.rate_limits where exchange_id = 'sim' and bucket = 'all'`,
		);
		const [bucket] = rows;
		if (bucket === undefined) throw new Error('nobody asked the limiter');
		const closes = reports.flatMap((report) => report.closes);
		const sent = [...reports.flatMap((report) => report.reads), ...closes.map(({ at }) => at)];
		return {
			granted: sent.length,
			// The bucket was made, full, by the first call (paced_at), and last filled for the last one.
			possible: Math.floor(bucket.capacity + bucket.refill * bucket.seconds),
			lapsed: bucket.granted - sent.length,
			worstWindow: worstWindow(sent, bucket.window),
			allowedInWindow: bucket.published * 0.8,
			closes: closes.length,
			slowestCloseMs: Math.round(Math.max(0, ...closes.map(({ waitedMs }) => waitedMs))),
		};
	} finally {
		await pool.end();
	}
}
