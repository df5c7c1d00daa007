/**
 * Named places before and after every statement that matters, at which the failure drills end a worker as kill -9 would.
 *
 * They are inert in production, twice over: nothing is armed unless BOTBOX_TEST_CRASH_POINTS is in the environment when the
 * process starts, which only drills set; and the published package ships compiled JavaScript, in which arming is refused
 * whatever the environment says. Inert, a crash point is one comparison with undefined.
 */

/** Every crash point, by the job that passes it. A test holds this list and the code together, both ways. */
export const crashPoints = [
	'tick:before-insert',
	'tick:after-insert',
	'checks:after-fetch',
	'checks:after-claim',
	'checks:before-record',
	'checks:after-record',
	'checks:after-end-jobs',
	'execute:before-claim',
	'execute:after-claim',
	'execute:before-submit',
	'execute:after-submit',
	'execute:after-send',
	'execute:after-record-result',
	'execute:before-release',
	'execute:after-release',
	'fills:before-apply',
	'fills:after-apply',
	'follow:before-settle',
	'follow:after-settle',
	'settle:after-recover',
	'settle:after-claim',
	'settle:after-find-order',
	'settle:after-resolve-missing',
	'settle:after-record-found',
	'settle:before-settle-order',
	'settle:after-settle-order',
	'reconcile:before-sync-fills',
	'reconcile:before-apply-fills',
	'reconcile:after-apply-fills',
	'reconcile:after-sync-fills',
	'reconcile:before-compare',
	'reconcile:after-compare',
	'guard:before-tickers',
	'guard:before-queue-exits',
	'guard:after-queue-exits',
	'pairs:before-balance',
	'pairs:after-balance',
	'monitor:before-expire-trades',
	'monitor:after-expire-trades',
	'monitor:before-retry-closes',
	'monitor:after-retry-closes',
] as const;
export type CrashPoint = (typeof crashPoints)[number];

export interface CrashPlan {
	readonly point: CrashPoint;
	/** 1: the first time that the point is passed. */
	readonly passing: number;
	/** What happens there; it does not return from a kill. */
	readonly strike: () => void;
}

let armed: { readonly plan: CrashPlan; passed: number } | undefined;

/** Ends the process here if a drill has armed this point; otherwise nothing. */
export function crashPoint(point: CrashPoint): void {
	if (armed === undefined || armed.plan.point !== point) return;
	armed.passed += 1;
	if (armed.passed !== armed.plan.passing) return;
	const { plan } = armed;
	armed = undefined;
	plan.strike();
}

/** Arms one point of this process, or none; throws where crash points are inert. */
export function armCrashPoint(plan: CrashPlan | undefined): void {
	if (plan !== undefined && !canCrash(import.meta.url, process.env))
		throw new Error('crash points are for the failure drills only: this process may not be armed');
	armed = plan === undefined ? undefined : { plan, passed: 0 };
}

/** Whether a process of this source file and environment may be armed at all. */
export function canCrash(sourceUrl: string, env: Readonly<Record<string, string | undefined>>): boolean {
	return sourceUrl.endsWith('.ts') && env.BOTBOX_TEST_CRASH_POINTS !== undefined;
}

/** `job:place` or `job:place:3` in BOTBOX_TEST_CRASH_POINTS arms a whole worker process from its start; `on` only allows arming. */
function armFromEnvironment(): void {
	const wanted = process.env.BOTBOX_TEST_CRASH_POINTS;
	if (wanted === undefined || wanted === 'on' || !canCrash(import.meta.url, process.env)) return;
	const [job, place, passing = '1'] = wanted.split(':');
	const point = crashPoints.find((name) => name === `${job}:${place}`);
	if (point === undefined) throw new Error(`BOTBOX_TEST_CRASH_POINTS: no crash point ${wanted}`);
	armCrashPoint({ point, passing: Number(passing), strike: () => process.kill(process.pid, 'SIGKILL') });
}
armFromEnvironment();
