/**
 * The loop around every job: run, and run again when woken, when there was more to do, or when the interval is over. A database
 * that is away is waited for, any other error is logged and the loop goes on: one bad round must not end a worker.
 */
import { isDatabaseAway, isPassing } from '../database/failures.ts';
import { type Pool, waitForDatabase } from '../database/pool.ts';
import { errorMessage } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { RunResult } from './context.ts';

export interface LoopOptions {
	readonly name: string;
	/** The longest pause between two runs; a function for pauses that end at a given time. */
	readonly pauseMs: number | (() => number);
	readonly run: () => Promise<RunResult>;
	readonly pool: Pool;
	readonly log: Logger;
	readonly signal: AbortSignal;
}

export interface Loop {
	/** Runs again at once, or once more after the run under way. */
	wake(): void;
	/** Resolves when the run under way has ended after the signal. */
	readonly ended: Promise<void>;
}

const errorPauseMs = 1_000;

export function startLoop(options: LoopOptions): Loop {
	const { name, pool, log, signal } = options;
	let isWoken = false;
	let endPause: (() => void) | undefined;

	const pause = async (ms: number): Promise<void> => {
		if (isWoken || signal.aborted) return;
		const { promise, resolve } = Promise.withResolvers<void>();
		const timer = setTimeout(resolve, ms);
		const end = (): void => resolve();
		endPause = end;
		signal.addEventListener('abort', end, { once: true });
		await promise;
		clearTimeout(timer);
		signal.removeEventListener('abort', end);
		endPause = undefined;
	};

	const work = async (): Promise<void> => {
		while (!signal.aborted) {
			isWoken = false;
			try {
				const { again } = await options.run();
				if (!again) await pause(typeof options.pauseMs === 'number' ? options.pauseMs : options.pauseMs());
			} catch (error) {
				if (isDatabaseAway(error)) {
					await waitForDatabase(pool, { signal, log: (line) => log.warn(line) }).catch(() => undefined);
				} else {
					log.error({ loop: name, err: error }, `${name}: ${errorMessage(error)}`);
				}
				isWoken = false;
				if (!isPassing(error)) await pause(errorPauseMs);
			}
		}
	};

	return {
		wake: () => {
			isWoken = true;
			endPause?.();
		},
		ended: work(),
	};
}

/** Milliseconds until the next full minute, at most `mostMs`. */
export function untilNextMinute(mostMs: number, nowMs = Date.now()): number {
	return Math.max(Math.min(60_000 - (nowMs % 60_000), mostMs), 1);
}
