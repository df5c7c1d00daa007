/**
 * The dead-man's switch: BOTBOX_HEARTBEAT_URL is asked once a minute by one worker for all, only while ticks, checks and alerts
 * work. Whoever waits for it there alarms when it stays away, which nothing in here could when all of it is dead.
 *
 * Reads: assess_vitals. Writes: the duty that says when it is next due. A crash costs one ping.
 */
import { assessVitals } from '../database/functions/alerts.ts';
import { errorMessage } from '../errors.ts';
import { startDeadline } from '../exchange/deadline.ts';
import { heartbeatPingsTotal } from '../metrics.ts';
import { done, type RunResult, type WorkerContext } from './context.ts';
import { claimDue } from './duties.ts';

const everyMs = 60_000;
const timeoutMs = 10_000;

export type HeartbeatResult = 'pinged' | 'withheld' | 'failed' | 'not due';

export async function pingHeartbeat(context: WorkerContext, url: string, now?: Date): Promise<HeartbeatResult> {
	const { pool, log } = context;
	const due = await claimDue(context, ['heartbeat url'], (name) => name, everyMs, now);
	if (due.length === 0) return 'not due';
	const stopped = (await assessVitals(pool, { now })).filter(({ isWorking }) => !isWorking);
	if (stopped.length > 0) {
		log.error({ stopped }, "the dead-man's switch is not fed");
		return 'withheld';
	}
	const expiry = new AbortController();
	const stop = startDeadline(timeoutMs, () => expiry.abort());
	try {
		const response = await fetch(url, { redirect: 'follow', signal: expiry.signal });
		await response.arrayBuffer();
		if (!response.ok) throw new Error(`HTTP ${response.status}`);
		return 'pinged';
	} catch (error) {
		// Its address may hold a secret: only its host is told.
		const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
		log.warn({ host: new URL(url).host, error: errorMessage(cause) }, 'the heartbeat address could not be reached');
		return 'failed';
	} finally {
		stop();
	}
}

/** As a loop's run. */
export async function feedHeartbeat(context: WorkerContext, url: string): Promise<RunResult> {
	const result = await pingHeartbeat(context, url);
	if (result !== 'not due') heartbeatPingsTotal.inc({ result });
	return done;
}
