/**
 * The one way to an exchange: every request asks the limiter and the breaker first, and tells them afterwards what came
 * of it. One gate per exchange and process; the state that counts lies in the database.
 */
import {
	acquireCall,
	raiseAlert,
	recordExchangeResult,
	recordLimitReport,
	resolveAlert,
} from '../database/functions/guards.ts';
import { BotboxError, errorMessage, RetryLaterError } from '../errors.ts';
import { exchangeCallSeconds, limiterDenialsTotal } from '../metrics.ts';
import type { Family } from './ccxt-client.ts';
import { databaseTime, type GatewayContext, localTime, pause, type Timings, timingsOf } from './context.ts';
import { startDeadline } from './deadline.ts';
import { askInBatches, type BatchGrant, type Refusal, waitInLines } from './grants.ts';
import { blockOf, type ExchangeCall, ipKey, type LimitReport, localWeightPerSecond, readLimits } from './limits.ts';
import { LocalLimiter } from './local-limiter.ts';
import { healthOf } from './outcomes.ts';
import { type CallFacts, type CallTrace, callTrace, factsOf, type Grant } from './transport.ts';

export interface Gate {
	/** Sends one request: with the grant that the caller holds (see CallTrace), or with one asked and waited for. */
	callExchange<T>(call: ExchangeCall, send: () => Promise<T>): Promise<T>;
	/** Asks once and does not wait: for orders, whose trade would rather be handed back. */
	askForGrant(call: ExchangeCall): Promise<Grant | Refusal>;
}

export interface GateOptions {
	readonly exchangeId: string;
	readonly family: Family;
	readonly exchangeTime: () => number;
}

/** Failures of the limiter in a row after which reads go by the local one. */
const unreachableAfter = 3;
const reportEveryMs = 1_000;
const alertEveryMs = 30_000;
/** Grants in a row that may lapse unused before a call gives up. */
const mostLapses = 3;

export function createGate(context: GatewayContext, options: GateOptions): Gate {
	const { exchangeId, family } = options;
	const timings = timingsOf(context);
	const local = new LocalLimiter(() => localWeightPerSecond[family] / Math.max(context.workerCount?.() ?? 1, 1));
	const reportedAt = new Map<string, number>();
	let limiterFailures = 0;
	let fallbackSince = new Date(0);
	let alertedAt = Number.NEGATIVE_INFINITY;
	const askTogether = askInBatches(askLimiter);
	const waitInLine = waitInLines(askForReading, { giveUp, pause: (ms) => pause(context, ms) });

	return {
		async callExchange<T>(call: ExchangeCall, send: () => Promise<T>): Promise<T> {
			const caller = callTrace.getStore();
			const isUrgent = call.isUrgent ?? caller?.isUrgent ?? false;
			const grant = takeGrant(caller) ?? (await waitForGrant({ ...call, isUrgent }));
			// A trace of its own: ccxt may have several requests of one caller under way.
			const trace: CallTrace = {};
			const stopTimer = exchangeCallSeconds.startTimer({ exchange: exchangeId, call: call.name });
			try {
				const result = await callTrace.run(trace, send);
				stopTimer({ result: 'OK' });
				await tellSuccess(call, grant, trace.facts);
				return result;
			} catch (error) {
				stopTimer({ result: healthOf(error, family) });
				await tellFailure(call, grant, error);
				throw error;
			} finally {
				if (caller !== undefined && trace.sentAt !== undefined) caller.sentAt = trace.sentAt;
			}
		},

		async askForGrant(call) {
			try {
				return await askTogether(call);
			} catch (error) {
				context.log.warn({ exchange: exchangeId, error: errorMessage(error) }, 'the limiter cannot be reached');
				return { refusal: 'LIMITER_UNREACHABLE', retryAfterMs: 1_000 };
			}
		},
	};

	async function waitForGrant(call: ExchangeCall): Promise<Grant> {
		for (let attempt = 1; attempt <= mostLapses; attempt += 1) {
			const grant = await waitInLine(call);
			// The process may have been busy since: a lapsed grant is asked for again.
			if (performance.now() < grant.lapsesAt) return grant;
		}
		throw new RetryLaterError(
			'RATE_LIMITED',
			`${exchangeId}: grants for ${call.name} lapse before they can be used`,
			1_000,
		);
	}

	function giveUp(call: ExchangeCall, { refusal, retryAfterMs }: Refusal, waitedMs: number): Error | undefined {
		if (refusal === 'BREAKER_OPEN')
			return new RetryLaterError(
				'EXCHANGE_UNAVAILABLE',
				`${exchangeId}: the breaker is open, ${call.name} is not sent`,
				retryAfterMs,
			);
		if (waitedMs + retryAfterMs <= timings.longestReadWaitMs) return undefined;
		return new RetryLaterError(
			'RATE_LIMITED',
			`${exchangeId}: the limiter has no room for ${call.name} within ${timings.longestReadWaitMs} ms`,
			retryAfterMs,
		);
	}

	async function askForReading(call: ExchangeCall, calls: number, waitedMs: number): Promise<BatchGrant | Refusal> {
		context.signal?.throwIfAborted();
		try {
			return await askLimiter({ ...call, patienceMs: timings.longestReadWaitMs - waitedMs }, calls);
		} catch (error) {
			limiterFailures += 1;
			if (limiterFailures < unreachableAfter)
				return { refusal: 'LIMITER_UNREACHABLE', retryAfterMs: timings.limiterRetryMs };
			tellFallback(error);
			const retryAfterMs = local.take(call.weight);
			if (retryAfterMs > 0) return { refusal: 'RATE_LIMIT', retryAfterMs };
			const lapsesAt = performance.now() + timings.grantLifeMs;
			return { grant: { isProbe: false, consecutiveFailures: 0, lapsesAt }, calls: 1, retryAfterMs: 0 };
		}
	}

	async function askLimiter(call: ExchangeCall, calls: number): Promise<BatchGrant | Refusal> {
		const askedAt = performance.now();
		const asked = acquireCall(context.pool, {
			exchangeId,
			workerId: context.workerId,
			accountKey: call.account?.key,
			accountBucket: call.account?.bucket,
			weight: call.weight,
			ipKey,
			ipBucket: call.ipBucket,
			calls,
			isUrgent: call.isUrgent,
			patienceMs: Math.max(Math.floor(call.patienceMs ?? 0), 0),
			now: databaseTime(context),
		});
		const [answer] = await within(asked, timings);
		tellReturn();
		if (answer === undefined) throw new BotboxError('INTERNAL', 'acquire_call answered no row');
		const retryAfterMs = Math.max(answer.retryAfterMs, 1);
		if (answer.isGranted) {
			const { isProbe, consecutiveFailures } = answer;
			const grant = { isProbe, consecutiveFailures, lapsesAt: askedAt + timings.grantLifeMs };
			return { grant, calls: answer.grantedCalls, retryAfterMs };
		}
		const refusal = answer.refusal === 'BREAKER_OPEN' ? 'BREAKER_OPEN' : 'RATE_LIMIT';
		limiterDenialsTotal.inc({ exchange: exchangeId, refusal });
		return { refusal, retryAfterMs };
	}

	/** Said once in the log. The alert is tried every half minute: a database that is away takes it on its return only. */
	function tellFallback(error: unknown): void {
		if (limiterFailures === unreachableAfter) {
			fallbackSince = new Date(localTime(context));
			context.log.error(
				{ exchange: exchangeId, error: errorMessage(error) },
				'the limiter cannot be reached: reads go by the local one, at half the limit',
			);
		}
		if (performance.now() - alertedAt < alertEveryMs) return;
		alertedAt = performance.now();
		void told(raiseFallback(`since then its reads go at half the limit: ${errorMessage(error)}`));
	}

	function tellReturn(): void {
		const wasLocal = limiterFailures >= unreachableAfter;
		limiterFailures = 0;
		if (!wasLocal) return;
		alertedAt = Number.NEGATIVE_INFINITY;
		context.log.info({ exchange: exchangeId }, 'the limiter is back');
		const { workerId } = context;
		const raised = raiseFallback('it is back');
		void told(
			raised.then(() =>
				resolveAlert(context.pool, {
					code: 'LIMITER_FALLBACK',
					subject: `${exchangeId} ${workerId}`,
					now: databaseTime(context),
				}),
			),
		);
	}

	function raiseFallback(what: string): Promise<unknown> {
		const { pool, workerId } = context;
		return raiseAlert(pool, {
			code: 'LIMITER_FALLBACK',
			severity: 'CRITICAL',
			subject: `${exchangeId} ${workerId}`,
			message:
				`Worker ${workerId} could not reach the limiter of ${exchangeId} from ${fallbackSince.toISOString()} on; ${what}`.slice(
					0,
					500,
				),
			now: databaseTime(context),
		});
	}

	async function tellSuccess(call: ExchangeCall, grant: Grant, facts: CallFacts | undefined): Promise<void> {
		if (grant.isProbe || grant.consecutiveFailures > 0) await told(recordResult(true));
		for (const report of facts === undefined ? [] : readLimits(family, call, facts.header)) await tellUse(report);
	}

	/** At most once a second and bucket: the figures are for people and for the pause of entries. */
	async function tellUse(report: LimitReport): Promise<void> {
		const { scope, scopeKey, bucket, used, limit } = report;
		const key = `${scope} ${scopeKey} ${bucket}`;
		const now = performance.now();
		if (now - (reportedAt.get(key) ?? Number.NEGATIVE_INFINITY) < reportEveryMs) return;
		reportedAt.set(key, now);
		await told(
			recordLimitReport(context.pool, { exchangeId, scope, scopeKey, bucket, used, limit, now: databaseTime(context) }),
		);
	}

	async function tellFailure(call: ExchangeCall, grant: Grant, error: unknown): Promise<void> {
		const health = healthOf(error, family);
		const facts = factsOf(error);
		if (health === 'NOTHING' || facts === undefined) return;
		const message = `${call.name}: ${errorMessage(error)}`.slice(0, 300);
		context.log[health === 'ANSWERED' ? 'debug' : 'warn'](
			{ exchange: exchangeId, call: call.name, health, code: facts.code, status: facts.status },
			message,
		);
		if (health === 'ANSWERED') return await tellSuccess(call, grant, undefined);
		if (health === 'FAILURE') return await told(recordResult(false, message));

		const { forMs, ...bucket } = blockOf(family, call, facts, health === 'BAN', options.exchangeTime());
		const blockedForMs = Math.ceil(forMs);
		await told(
			recordLimitReport(context.pool, {
				exchangeId,
				...bucket,
				blockedForMs,
				reason: message,
				now: databaseTime(context),
			}),
		);
		if (health === 'BAN') await told(recordResult(false, message, blockedForMs));
		else if (grant.isProbe) await told(recordResult(true));
	}

	function recordResult(isSuccess: boolean, error?: string, bannedForMs?: number): Promise<unknown> {
		return recordExchangeResult(context.pool, {
			exchangeId,
			isSuccess,
			error,
			bannedForMs,
			now: databaseTime(context),
		});
	}

	/** What cannot be told does not spoil the answer that is there already. */
	async function told(telling: Promise<unknown>): Promise<void> {
		await telling.catch((error: unknown) =>
			context.log.warn({ exchange: exchangeId, error: errorMessage(error) }, 'limiter and breaker could not be told'),
		);
	}
}

function takeGrant(trace: CallTrace | undefined): Grant | undefined {
	const grant = trace?.grant;
	delete trace?.grant;
	return grant;
}

async function within<T>(work: Promise<T>, { limiterTimeoutMs }: Timings): Promise<T> {
	const late = Promise.withResolvers<never>();
	const stop = startDeadline(limiterTimeoutMs, () =>
		late.reject(new Error(`the limiter gave no answer within ${limiterTimeoutMs} ms`)),
	);
	try {
		return await Promise.race([work, late.promise]);
	} finally {
		stop();
		// An answer that comes too late is nobody's business any more, nor is its failure.
		work.catch(() => undefined);
	}
}
