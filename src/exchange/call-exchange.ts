/**
 * The one way to an exchange: every request asks the limiter and the breaker first, and tells them afterwards what came
 * of it. One gate per exchange and process; the state that counts lies in the database.
 */
import { acquireCall, raiseAlert, recordExchangeResult, recordLimitReport } from '../database/functions/guards.ts';
import { BotboxError, errorMessage, RetryLaterError } from '../errors.ts';
import { exchangeCallSeconds, limiterDenialsTotal } from '../metrics.ts';
import type { Family } from './ccxt-client.ts';
import { databaseTime, type GatewayContext, localTime, pause, type Timings, timingsOf } from './context.ts';
import { startDeadline } from './deadline.ts';
import { blockOf, type ExchangeCall, ipKey, type LimitReport, localWeightPerSecond, readLimits } from './limits.ts';
import { LocalLimiter } from './local-limiter.ts';
import { healthOf } from './outcomes.ts';
import { type CallFacts, type CallTrace, callTrace, factsOf, type Grant } from './transport.ts';

export interface Refusal {
	readonly refusal: 'RATE_LIMIT' | 'BREAKER_OPEN' | 'LIMITER_UNREACHABLE';
	readonly retryAfterMs: number;
}

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
const fallbackTellEveryMs = 30_000;
/** Grants in a row that may lapse unused before a call gives up. */
const mostLapses = 3;

export function createGate(context: GatewayContext, options: GateOptions): Gate {
	const { exchangeId, family } = options;
	const timings = timingsOf(context);
	const local = new LocalLimiter(() => localWeightPerSecond[family] / Math.max(context.workerCount?.() ?? 1, 1));
	const reportedAt = new Map<string, number>();
	const queues = new Map<string, Promise<unknown>>();
	let limiterFailures = 0;
	let fallbackToldAt = Number.NEGATIVE_INFINITY;

	return {
		async callExchange<T>(call: ExchangeCall, send: () => Promise<T>): Promise<T> {
			const caller = callTrace.getStore();
			const grant = takeGrant(caller) ?? (await waitForGrant(call));
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
				return await askLimiter(call);
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

	/** Reads of one bucket wait in line, so that a crowd of them asks the database one after the other. */
	async function waitInLine(call: ExchangeCall): Promise<Grant> {
		const line = call.account === null ? 'public' : `${call.account.key} ${call.account.bucket}`;
		const before = queues.get(line);
		const turn = (before ?? Promise.resolve()).then(() => waitInTurn(call));
		const settled = turn.catch(() => undefined);
		queues.set(line, settled);
		settled.then(() => {
			if (queues.get(line) === settled) queues.delete(line);
		});
		return await turn;
	}

	async function waitInTurn(call: ExchangeCall): Promise<Grant> {
		let waitedMs = 0;
		for (;;) {
			context.signal?.throwIfAborted();
			const answer = await askForReading(call);
			if ('lapsesAt' in answer) return answer;
			if (answer.refusal === 'BREAKER_OPEN')
				throw new RetryLaterError(
					'EXCHANGE_UNAVAILABLE',
					`${exchangeId}: the breaker is open, ${call.name} is not sent`,
					answer.retryAfterMs,
				);
			if (waitedMs + answer.retryAfterMs > timings.longestReadWaitMs)
				throw new RetryLaterError(
					'RATE_LIMITED',
					`${exchangeId}: the limiter has no room for ${call.name} within ${timings.longestReadWaitMs} ms`,
					answer.retryAfterMs,
				);
			waitedMs += answer.retryAfterMs;
			await pause(context, answer.retryAfterMs);
		}
	}

	async function askForReading(call: ExchangeCall): Promise<Grant | Refusal> {
		try {
			return await askLimiter(call);
		} catch (error) {
			limiterFailures += 1;
			if (limiterFailures === unreachableAfter)
				context.log.error(
					{ exchange: exchangeId, error: errorMessage(error) },
					'the limiter cannot be reached: reads go by the local one, at half the limit',
				);
			if (limiterFailures >= unreachableAfter) tellFallback(errorMessage(error));
			if (limiterFailures < unreachableAfter)
				return { refusal: 'LIMITER_UNREACHABLE', retryAfterMs: timings.limiterRetryMs };
			const retryAfterMs = local.take(call.weight);
			if (retryAfterMs > 0) return { refusal: 'RATE_LIMIT', retryAfterMs };
			return { isProbe: false, consecutiveFailures: 0, lapsesAt: performance.now() + timings.grantLifeMs };
		}
	}

	async function askLimiter(call: ExchangeCall): Promise<Grant | Refusal> {
		const askedAt = performance.now();
		const asked = acquireCall(context.pool, {
			exchangeId,
			workerId: context.workerId,
			accountKey: call.account?.key,
			accountBucket: call.account?.bucket,
			weight: call.weight,
			ipKey,
			now: databaseTime(context),
		});
		const [answer] = await within(asked, timings);
		if (limiterFailures >= unreachableAfter) {
			context.log.info({ exchange: exchangeId }, 'the limiter is back');
			// While the database was away nobody could be told: now that it was so.
			fallbackToldAt = Number.NEGATIVE_INFINITY;
			tellFallback('it is back');
		}
		limiterFailures = 0;
		if (answer === undefined) throw new BotboxError('INTERNAL', 'acquire_call answered no row');
		if (answer.isGranted) {
			const { isProbe, consecutiveFailures } = answer;
			return { isProbe, consecutiveFailures, lapsesAt: askedAt + timings.grantLifeMs };
		}
		const refusal = answer.refusal === 'BREAKER_OPEN' ? 'BREAKER_OPEN' : 'RATE_LIMIT';
		limiterDenialsTotal.inc({ exchange: exchangeId, refusal });
		return { refusal, retryAfterMs: Math.max(answer.retryAfterMs, 1) };
	}

	/** Not waited for: the database may be what is away. Told again while it lasts, so that the alert ends with it. */
	function tellFallback(error: string): void {
		const now = performance.now();
		if (now - fallbackToldAt < fallbackTellEveryMs) return;
		fallbackToldAt = now;
		void told(
			raiseAlert(context.pool, {
				code: 'LIMITER_FALLBACK',
				severity: 'CRITICAL',
				subject: exchangeId,
				message: `A worker could not reach the limiter of ${exchangeId} and read by its local one, at half the limit: ${error}`,
				details: { worker_id: context.workerId },
				now: databaseTime(context),
			}),
		);
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
		const blockedUntil = new Date(localTime(context) + forMs);
		await told(
			recordLimitReport(context.pool, {
				exchangeId,
				...bucket,
				blockedUntil,
				reason: message,
				now: databaseTime(context),
			}),
		);
		if (health === 'BAN') await told(recordResult(false, message, blockedUntil));
		else if (grant.isProbe) await told(recordResult(true));
	}

	function recordResult(isSuccess: boolean, error?: string, bannedUntil?: Date): Promise<unknown> {
		return recordExchangeResult(context.pool, {
			exchangeId,
			isSuccess,
			error,
			bannedUntil,
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
