/**
 * A drill: bots trade while something bad happens, then the system is left alone until every promise holds, within bounded time.
 * What is bad is the drill's own; what is promised afterwards is the same for all.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Finding, findUnchecked } from './books.ts';
import { type Crew, gatherCrew } from './crew.ts';
import { inspect, inspectRequests } from './invariants.ts';
import type { LogLine } from './processes.ts';
import { prepareStage, type Stage } from './stage.ts';

export interface DrillOptions {
	readonly databaseUrl: string;
	readonly dir: string;
	readonly seed: number;
	readonly bots: number;
	readonly workers: number;
	/** How long the bad thing goes on. */
	readonly seconds: number;
	/** What happens meanwhile; answers what it found wrong itself. */
	readonly happen: (crew: Crew, stage: Stage) => Promise<readonly Finding[]>;
	/** What the n-th worker reaches the database by, from 0; the database itself unless told. */
	readonly databaseUrlOf?: (worker: number) => string;
	/** What workers reach the exchange by; the exchange itself unless told. */
	readonly exchangeBehind?: (url: string) => Promise<string>;
	/** How long everything may take to hold again; two minutes unless told. */
	readonly settleWithinMs?: number;
	/** Errors in the logs that this trouble must cause. */
	readonly expectedError?: RegExp;
	readonly log: (line: string) => void;
}

export interface DrillReport {
	readonly failures: readonly Finding[];
	readonly figures: Readonly<Record<string, number | string>>;
}

/**
 * From the end of the bad thing: a check lease (30 s), the next full minute's tick (60 s) and its run. Trades need less: a
 * lease (20 s), the grace period of an unknown order (40 s from its sending) and one more sending.
 */
const settleWithinMs = 120_000;
const pollMs = 1_000;
const startWithinMs = 90_000;

export async function runDrill(options: DrillOptions): Promise<DrillReport> {
	const { log } = options;
	const stage = await prepareStage(options);
	const crew = gatherCrew(stage, options.workers, options.databaseUrlOf);
	try {
		await untilTrading(stage, options.workers);
		log(`${options.bots} bots, ${options.workers} workers; ${options.seconds} s of trouble`);
		const troubles = await options.happen(crew, stage);
		const quietSince = new Date();
		log('quiet again; waiting until everything holds');
		const { findings, settledMs } = await settle(stage, crew, quietSince, options.settleWithinMs ?? settleWithinMs);
		const figures = await describeRun(stage, crew, settledMs);
		const { exits, tookMs } = await crew.dismiss();
		const unclean = exits.filter(({ code }) => code !== 0);
		const errors = crew.complaints().filter(({ level, text }) => level >= 50 && !options.expectedError?.test(text));
		const failures = [
			...troubles,
			...findings,
			...(await inspectRequests(stage)),
			...wrong('workers end well when told to, within 20 s', unclean.length > 0 || tookMs > 20_000, { exits, tookMs }),
			...wrong('no worker ends by itself', crew.deserters.length > 0, crew.deserters),
			...wrong('no error in the logs', errors.length > 0, tally(errors)),
			...wrong('the drill made trades', Number(figures.executed) < options.bots / 10, figures),
		];
		return { failures, figures };
	} finally {
		await crew.dismiss();
		await stage.close();
	}
}

/** Trouble begins when there is something to trouble: on a busy machine a worker takes a while to start. */
async function untilTrading(stage: Stage, workers: number): Promise<void> {
	const deadline = Date.now() + startWithinMs;
	while (Date.now() < deadline) {
		const { rows } = await stage.pool.query<{ heard: number; orders: number }>(
			`select (select count(*) from botbox.workers where stopped_at is null) as heard, (select count(*) from botbox.orders) as orders`,
		);
		if ((rows[0]?.heard ?? 0) >= workers && (rows[0]?.orders ?? 0) > 0) return;
		await sleep(100);
	}
	throw new Error(`the workers did not begin to trade within ${startWithinMs / 1_000} s`);
}

function wrong(rule: string, isWrong: boolean, sample: unknown): Finding[] {
	return isWrong ? [{ rule, rows: 1, samples: [JSON.stringify(sample)] }] : [];
}

async function settle(
	stage: Stage,
	crew: Crew,
	quietSince: Date,
	withinMs: number,
): Promise<{ findings: Finding[]; settledMs: number }> {
	const deadline = Date.now() + withinMs;
	for (;;) {
		const findings = [...(await inspect(stage)).findings, ...(await findUnchecked(stage.pool, quietSince))];
		const settledMs = Date.now() - quietSince.getTime();
		const isOver = findings.length === 0 || crew.deserters.length > 0 || Date.now() > deadline;
		if (isOver) return { findings, settledMs };
		await sleep(pollMs);
	}
}

async function describeRun(stage: Stage, crew: Crew, settledMs: number): Promise<Record<string, number | string>> {
	const { rows } = await stage.pool.query<Record<string, number>>(`
		select (select count(*) from botbox.checks) as checks,
		       (select round(max(extract(epoch from recorded_at - due_at))::numeric, 1)::float8 from botbox.checks
		         where due_at >= (select min(created_at) from botbox.bots)) as latest_check_s,
		       (select round(max(gap)::numeric, 1)::float8 from (
		         select extract(epoch from c.recorded_at - lag(c.recorded_at, 1, b.created_at) over (partition by b.id order by c.recorded_at)) as gap
		           from botbox.bots b join botbox.checks c on c.bot_id = b.id) g) as longest_unchecked_s,
		       (select count(*) from botbox.signals where status = 'QUEUED') as accepted,
		       (select count(*) from botbox.trade_queue where status = 'EXECUTED') as executed,
		       (select count(*) from botbox.trade_queue where status in ('FAILED', 'EXPIRED', 'CANCELLED')) as not_executed,
		       (select count(*) from botbox.orders where send_count > 1) as sent_again,
		       (select count(*) from botbox.fills) as fills,
		       coalesce((select string_agg(distinct code || ' ' || subject || ': ' || message, '; ') from botbox.alerts
		         where severity = 'CRITICAL'), 'none') as critical_alerts`);
	const { truth } = await inspect(stage);
	return {
		kills: crew.kills,
		settled_s: Math.round(settledMs / 100) / 10,
		...rows[0],
		exchange_orders: truth.orders.length,
		requests: truth.requests.total,
		worst_window: `${truth.requests.worstWindow.requests}/${truth.requests.worstWindow.limit}`,
		warnings: tally(crew.complaints()),
	};
}

/** How often which complaint was made: `3 x pg-boss`. */
function tally(complaints: readonly LogLine[]): string {
	const counts = new Map<string, number>();
	for (const { text } of complaints) counts.set(text, (counts.get(text) ?? 0) + 1);
	return [...counts].map(([text, count]) => `${count} x ${text.slice(0, 100)}`).join('; ') || 'none';
}
