/**
 * The thread of one user's file: loads it, says what it is, and answers what it is asked. It holds nothing that its end would
 * lose, so it may be ended at any moment; whatever the user's code does to this thread, it does to its own checks only.
 */
import { setPriority } from 'node:os';
import { pathToFileURL } from 'node:url';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import type { Regime } from '../domain.ts';
import { createMarketView } from '../market/view.ts';
import { describePrepared, infoOf } from '../strategies/catalogue.ts';
import { isDefined } from '../strategies/define.ts';
import type {
	CandleWindow,
	Evaluation,
	FactorResult,
	LegView,
	MarketView,
	PreparedStrategy,
	Strategy,
	TimeframeView,
} from '../strategies/strategy.ts';
import { resolveOurs } from './hooks.ts';
import { type Answer, type CheckData, maxFactors, maxNameLength, type Request, type ThreadData } from './protocol.ts';

const data = workerData as ThreadData;
const maxMessage = 2_000;
/** A third of the share of time that others have while all of them want it. */
const priority = 5;
/** By the text of the parameters: bots of one version share what it prepared. */
const prepared = new Map<string, PreparedStrategy>();
const maxPrepared = 1_000;

if (parentPort === null) throw new Error('this file runs as a thread only');
// Not awaited: a file that awaits for ever ends its thread, and that is told by whoever started it.
void serve(parentPort);

async function serve(port: MessagePort): Promise<void> {
	let strategy: Strategy;
	// From here on it is the user's code that takes time.
	port.postMessage({ id: 0, ok: true, value: null } satisfies Answer);
	try {
		strategy = await load();
		port.postMessage({ id: 1, ok: true, value: infoOf(strategy) } satisfies Answer);
	} catch (error) {
		port.postMessage(failure(1, error));
		return;
	}
	// On Linux priorities are a thread's own: a strategy that computes for long yields to the worker that trades.
	if (process.platform === 'linux') setPriority(0, priority);
	port.on('message', ({ id, request }: { id: number; request: Request }) => {
		try {
			port.postMessage({ id, ok: true, value: answer(strategy, request) } satisfies Answer);
		} catch (error) {
			port.postMessage(failure(id, error));
		}
	});
}

async function load(): Promise<Strategy> {
	resolveOurs(data);
	const exported: Readonly<Record<string, unknown>> = await import(pathToFileURL(data.path).href);
	const strategies = new Set(Object.values(exported).filter(isDefined));
	const [only] = strategies;
	if (only === undefined || strategies.size > 1)
		throw new Error(`it must export one strategy, made by defineStrategy; it exports ${strategies.size}`);
	return only;
}

function answer(strategy: Strategy, request: Request): unknown {
	switch (request.kind) {
		case 'parse':
			return parse(strategy, request.parameters);
		case 'describe':
			return describePrepared(prepare(strategy, request.parameters));
		case 'evaluate':
			return evaluate(prepare(strategy, request.check.parameters), request.check);
	}
}

/** Stored as JSON and parsed again at every start: what does not survive that is refused at once. */
function parse(strategy: Strategy, parameters: unknown): unknown {
	const parsed = strategy.parameters.parse(parameters);
	const stored: unknown = JSON.parse(JSON.stringify(parsed));
	const again = strategy.parameters.safeParse(stored);
	if (!again.success || JSON.stringify(again.data) !== JSON.stringify(stored))
		throw new TypeError('the parameters do not survive being stored as JSON and parsed again: use no transforms');
	return stored;
}

function prepare(strategy: Strategy, parameters: unknown): PreparedStrategy {
	const key = JSON.stringify(parameters);
	const known = prepared.get(key);
	if (known !== undefined) return known;
	const made = strategy.prepare(strategy.parameters.parse(parameters));
	if (prepared.size >= maxPrepared) prepared.clear();
	prepared.set(key, made);
	return made;
}

function evaluate(strategy: PreparedStrategy, check: CheckData): Evaluation {
	const evaluation: unknown = strategy.evaluate(viewOf(check), check.position, check.nowMs);
	if (typeof evaluation !== 'object' || evaluation === null) throw new TypeError(`it answered ${String(evaluation)}`);
	if ('then' in evaluation) throw new TypeError('it answered with a promise: a strategy decides at once');
	const { factors } = evaluation as Evaluation;
	// What would be refused is not copied across: it may be as large as the code that made it is wrong.
	if (Array.isArray(factors) && factors.length > maxFactors)
		throw new RangeError(`${factors.length} factors or figures are more than ${maxFactors}`);
	return whatIsRead(evaluation as Evaluation);
}

/** What the pipeline reads, and nothing else that the strategy may have put there: it would only be copied. Not believed here. */
function whatIsRead(evaluation: Evaluation): Evaluation {
	const { factors, score, decision, reason, stopLossFraction, takeProfitFraction } = evaluation;
	const { trailingStopFraction, lots, validUntilMs } = evaluation;
	return {
		...{ score, decision, reason, stopLossFraction, takeProfitFraction },
		...(trailingStopFraction === undefined ? {} : { trailingStopFraction }),
		...(lots === undefined ? {} : { lots }),
		...(validUntilMs === undefined ? {} : { validUntilMs }),
		factors: Array.isArray(factors) ? factors.map(readFactor) : factors,
	};
}

function readFactor(factor: FactorResult): FactorResult {
	// Whatever it is, it is told on the other side.
	if (typeof factor !== 'object' || factor === null) return factor;
	const { name, value, score, weight, contribution } = factor;
	return {
		name: typeof name === 'string' ? name.slice(0, maxNameLength + 1) : name,
		value,
		score,
		weight,
		contribution,
	};
}

function viewOf({ main, regime, funding, further, legs }: CheckData): MarketView {
	const first = viewOn(main, regime);
	const others = new Map<string, TimeframeView>(further.map((window) => [window.timeframe, viewOn(window, null)]));
	return {
		candles: main,
		indicator: first.indicator,
		regime,
		funding,
		timeframe: (timeframe) => (timeframe === main.timeframe ? first : (others.get(timeframe) ?? null)),
		legs: legs.map(({ market, funding: rates }): LegView => {
			return { candles: market, indicator: viewOn(market, null).indicator, funding: rates };
		}),
	};
}

function viewOn(window: CandleWindow, regime: Regime | null): MarketView {
	return createMarketView(window, regime);
}

function failure(id: number, error: unknown): Answer {
	const message = textOf(error).slice(0, maxMessage);
	if (!(error instanceof z.ZodError)) return { id, ok: false, message };
	const issues = JSON.parse(JSON.stringify(error.issues)) as z.core.$ZodIssue[];
	return { id, ok: false, message, issues };
}

/** Anything can be thrown, also what cannot be made a text. */
function textOf(error: unknown): string {
	try {
		return error instanceof Error ? `${error.name}: ${error.message}` : `it threw ${String(error)}`;
	} catch {
		return 'it threw what has no text';
	}
}
