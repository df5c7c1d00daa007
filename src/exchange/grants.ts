/**
 * How callers of one process come to their grants: those of one kind ask together, so that one round trip to the database
 * grants a batch. Reads wait in line, first come first served; orders ask once and are told to come again.
 */
import type { ExchangeCall } from './limits.ts';
import type { Grant } from './transport.ts';

export interface Refusal {
	readonly refusal: 'RATE_LIMIT' | 'BREAKER_OPEN' | 'LIMITER_UNREACHABLE';
	readonly retryAfterMs: number;
}

/** A grant for the first `calls` of those that asked; the next one is worth asking for after `retryAfterMs`. */
export interface BatchGrant {
	readonly grant: Grant;
	readonly calls: number;
	readonly retryAfterMs: number;
}

/** Asks the limiter for several calls of one kind at once; the first of them has waited for so long already. */
export type AskForCalls = (call: ExchangeCall, calls: number, waitedMs: number) => Promise<BatchGrant | Refusal>;

interface Asker<Answer> {
	readonly call: ExchangeCall;
	readonly resolve: (answer: Answer) => void;
	readonly reject: (error: unknown) => void;
	waitedMs: number;
}

/** They are all sent at once, within the life of their grant. */
const mostCallsAtOnce = 20;

/** Calls of one line take the same tokens from the same buckets. */
function lineOf(call: ExchangeCall): string {
	const account = call.account === null ? 'public' : `${call.account.key} ${call.account.bucket}`;
	return `${account} ${call.ipBucket} ${call.weight} ${call.isUrgent === true}`;
}

/** Whoever asks while a round trip of his line is under way goes with the next one. */
export function askInBatches(ask: AskForCalls): (call: ExchangeCall) => Promise<Grant | Refusal> {
	return inLines<Grant | Refusal>(async (askers) => {
		const batch = askers.splice(0, mostCallsAtOnce);
		const [first] = batch;
		if (first === undefined) return;
		try {
			const answer = await ask(first.call, batch.length, 0);
			for (const [index, asker] of batch.entries()) asker.resolve(shareOf(answer, index));
		} catch (error) {
			for (const asker of batch) asker.reject(error);
		}
	});
}

function shareOf(answer: BatchGrant | Refusal, index: number): Grant | Refusal {
	if ('refusal' in answer) return answer;
	return index < answer.calls ? answer.grant : { refusal: 'RATE_LIMIT', retryAfterMs: answer.retryAfterMs };
}

export interface Waiting {
	/** What the head of a line is told instead of waiting on; undefined: it waits. */
	readonly giveUp: (call: ExchangeCall, refusal: Refusal, waitedMs: number) => Error | undefined;
	readonly pause: (ms: number) => Promise<void>;
}

/** The same with waiting: an answer is always a grant. Only the head's waiting counts against its patience. */
export function waitInLines(ask: AskForCalls, waiting: Waiting): (call: ExchangeCall) => Promise<Grant> {
	return inLines<Grant>(async (askers) => {
		const [head] = askers;
		if (head === undefined) return;
		try {
			const answer = await ask(head.call, Math.min(askers.length, mostCallsAtOnce), head.waitedMs);
			if ('grant' in answer) {
				for (const asker of askers.splice(0, answer.calls)) asker.resolve(answer.grant);
				return;
			}
			const failure = waiting.giveUp(head.call, answer, head.waitedMs);
			// An open breaker is the same news for the whole line.
			if (failure !== undefined && answer.refusal === 'BREAKER_OPEN') throw failure;
			if (failure !== undefined) {
				askers.shift()?.reject(failure);
				return;
			}
			head.waitedMs += answer.retryAfterMs;
			await waiting.pause(answer.retryAfterMs);
		} catch (error) {
			for (const asker of askers.splice(0)) asker.reject(error);
		}
	});
}

/** One `serve` at a time per line, until nobody is left in it. */
function inLines<Answer>(serve: (askers: Asker<Answer>[]) => Promise<void>): (call: ExchangeCall) => Promise<Answer> {
	const lines = new Map<string, Asker<Answer>[]>();
	return (call) => {
		const name = lineOf(call);
		return new Promise<Answer>((resolve, reject) => {
			const asker = { call, resolve, reject, waitedMs: 0 };
			const present = lines.get(name);
			if (present !== undefined) {
				present.push(asker);
				return;
			}
			const askers = [asker];
			lines.set(name, askers);
			void (async () => {
				// Those of the same moment go together from the first.
				await Promise.resolve();
				while (askers.length > 0) await serve(askers);
				lines.delete(name);
			})();
		});
	};
}
