/**
 * One thread for one user's file: started when it is first asked, ended when it does not answer in time, started anew when it is
 * asked again. node:worker_threads rather than a pool of piscina's: a pool gives a task to whichever thread is free, while here a
 * thread is bound to a file so that nothing that one file does reaches another; and a pool neither counts a task's time from its
 * start nor keeps what a thread prints out of this process's own output.
 */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { parametersRefused } from '../strategies/registry.ts';
import { type Answer, answerSchema, type Request, type ThreadData } from './protocol.ts';

export interface ThreadLimits {
	/** For one answer. */
	readonly limitMs: number;
	/** For loading the file. */
	readonly loadMs: number;
	readonly heapMb: number;
}

export const defaultLimits: ThreadLimits = { limitMs: 10_000, loadMs: 10_000, heapMb: 256 };

export interface ThreadOptions {
	/** For messages, e.g. `breakout.ts`. */
	readonly name: string;
	readonly data: ThreadData;
	readonly limits: ThreadLimits;
	/** Told what the user's code prints, and that a thread ended without having been asked anything. */
	readonly onOutput: (line: string) => void;
}

/** The code did not answer within its time and was ended. */
export class StrategyTimedOut extends Error {
	override readonly name = 'StrategyTimedOut';
}

/** The thread ended, or could not be started: the file's own doing. */
export class StrategyThreadEnded extends Error {
	override readonly name = 'StrategyThreadEnded';
}

/** Numbers of the answers that a thread gives unasked. */
const startedId = 0;
const loadedId = 1;
const startWithinMs = 60_000;

interface Waiting {
	readonly id: number;
	readonly resolve: (value: unknown) => void;
	readonly reject: (error: Error) => void;
	readonly timer: NodeJS.Timeout;
}

export class StrategyThread {
	readonly #options: ThreadOptions;
	#worker: Worker | null = null;
	#waiting: Waiting | null = null;
	#lastId = loadedId;
	/** What the thread said of itself when it started. */
	#info: unknown = null;
	/** Requests are answered one after the other. */
	#tail: Promise<unknown> = Promise.resolve();
	#isEnded = false;

	constructor(options: ThreadOptions) {
		this.#options = options;
	}

	/** What the file says of itself (`infoSchema`); loads it if need be. */
	async info(): Promise<unknown> {
		return await this.#inTurn(async () => {
			await this.#start();
			return this.#info;
		});
	}

	/**
	 * The answer to `request`, which is made when the thread is ready for it. Throws StrategyTimedOut, StrategyThreadEnded, UsageError for parameters that are refused, and Error with
	 * the message of whatever the user's code threw.
	 */
	async ask(request: () => Request): Promise<unknown> {
		return await this.#inTurn(async () => {
			const { limits } = this.#options;
			const worker = await this.#start();
			this.#lastId += 1;
			const id = this.#lastId;
			return await new Promise((resolve, reject) => {
				worker.postMessage({ id, request: request() });
				this.#expect(worker, { id, resolve, reject }, 'answer', limits.limitMs);
			});
		});
	}

	/** Ends the thread for good; what is under way fails. */
	async end(): Promise<void> {
		this.#isEnded = true;
		const worker = this.#worker;
		this.#discard(new StrategyThreadEnded(`${this.#options.name} was ended`));
		await worker?.terminate();
	}

	async #inTurn<T>(work: () => Promise<T>): Promise<T> {
		const turn = this.#tail.then(work);
		this.#tail = turn.catch(() => undefined);
		return await turn;
	}

	async #start(): Promise<Worker> {
		const { name, data, limits, onOutput } = this.#options;
		if (this.#isEnded) throw new StrategyThreadEnded(`${name} was ended`);
		if (this.#worker !== null) return this.#worker;
		const worker = new Worker(new URL(`./thread${extname(fileURLToPath(import.meta.url))}`, import.meta.url), {
			workerData: data,
			name,
			// A strategy is given its parameters and a market: no secrets of this process, and none of its flags.
			env: {},
			execArgv: [],
			stdout: true,
			stderr: true,
			resourceLimits: { maxOldGenerationSizeMb: limits.heapMb, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 },
		});
		this.#worker = worker;
		worker.unref();
		for (const stream of [worker.stdout, worker.stderr]) {
			stream.setEncoding('utf8').on('data', (text: string) => onOutput(text.slice(0, maxOutput).trimEnd()));
		}
		worker.on('message', (message: unknown) => this.#receive(worker, message));
		worker.on('messageerror', (error) => this.#fail(worker, error.message));
		worker.on('error', (error) => this.#fail(worker, messageOf(error)));
		worker.on('exit', (code) => this.#fail(worker, endingOf(code, this.#waiting?.id === loadedId)));
		// What our own modules take on a busy machine is not held against the file.
		this.#info = await new Promise((resolve, reject) => {
			this.#expect(worker, { id: startedId, resolve, reject }, 'start', startWithinMs);
		});
		return worker;
	}

	/** From now on the answer of this number is waited for, and the thread ended if it does not come. */
	#expect(worker: Worker, answer: Omit<Waiting, 'timer'>, what: string, limitMs: number): void {
		const timer = setTimeout(() => {
			const { name } = this.#options;
			this.#discard(new StrategyTimedOut(`${name} did not ${what} within ${limitMs / 1_000} s and was ended`));
			// Not waited for: code that cannot be interrupted is left to itself, and a new thread takes over.
			worker.terminate().catch(() => undefined);
		}, limitMs);
		this.#waiting = { ...answer, timer };
	}

	#receive(worker: Worker, message: unknown): void {
		const answer = answerSchema.safeParse(message);
		// Whatever else a user's code sends, or sent before its thread was replaced, answers nothing.
		if (worker !== this.#worker || !answer.success || answer.data.id !== this.#waiting?.id) return;
		const waiting = this.#settle();
		if (answer.data.id === startedId && waiting !== null) {
			this.#expect(worker, { ...waiting, id: loadedId }, 'load', this.#options.limits.loadMs);
			return;
		}
		if (answer.data.ok) waiting?.resolve(answer.data.value);
		else waiting?.reject(refusal(nameOf(this.#info) ?? this.#options.name, answer.data));
		if (answer.data.id === loadedId && !answer.data.ok) this.#discardWorker();
	}

	#fail(worker: Worker, message: string): void {
		if (worker !== this.#worker) return;
		if (this.#waiting === null) this.#options.onOutput(`its thread ended: ${message}`);
		this.#discard(new StrategyThreadEnded(`${this.#options.name}: ${message}`));
		worker.terminate().catch(() => undefined);
	}

	#discard(error: Error): void {
		this.#worker = null;
		this.#settle()?.reject(error);
	}

	#discardWorker(): void {
		const worker = this.#worker;
		this.#worker = null;
		worker?.terminate().catch(() => undefined);
	}

	#settle(): Waiting | null {
		const waiting = this.#waiting;
		this.#waiting = null;
		if (waiting !== null) clearTimeout(waiting.timer);
		return waiting;
	}
}

function nameOf(info: unknown): string | null {
	return typeof info === 'object' && info !== null && 'name' in info ? String(info.name) : null;
}

/** A line of output that is longer is a mistake, and would be one in a log too. */
const maxOutput = 2_000;

function refusal(name: string, answer: Extract<Answer, { ok: false }>): Error {
	if (answer.issues !== undefined) return parametersRefused(name, new z.ZodError(answer.issues));
	return new Error(answer.message);
}

function endingOf(code: number, isLoading: boolean): string {
	if (isLoading && code === 0) return 'its thread ended while it was loaded: it awaits what never comes';
	return `it ended its thread with exit code ${code}`;
}

/** Out of memory is told by a code; the message speaks of a worker, which the user never started. */
function messageOf(error: unknown): string {
	const code = error instanceof Error && 'code' in error ? error.code : undefined;
	if (code === 'ERR_WORKER_OUT_OF_MEMORY') return 'it used up the memory of its thread';
	return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
