/** Evaluations in threads: whatever a strategy does, it does to its own check; who waits for whom. */
import { performance } from 'node:perf_hooks';
import { expect, onTestFinished, test } from 'vitest';
import { openCatalogue } from '../../src/sandbox/catalogue.ts';
import { StrategyLanes, StrategyNotStarted } from '../../src/sandbox/lanes.ts';
import type { CheckData } from '../../src/sandbox/protocol.ts';
import { StrategyThreadEnded, StrategyTimedOut } from '../../src/sandbox/strategy-thread.ts';
import type { Evaluation } from '../../src/strategies/strategy.ts';
import { makeFolder, strategyFile } from './folder.ts';

const minute = 60_000;

/** Candles that rise by 1 a minute. */
function checkData(parameters: unknown, candles = 200): CheckData {
	const column = (value: (index: number) => number) =>
		Float64Array.from({ length: candles }, (_, index) => value(index));
	return {
		parameters,
		main: {
			timeframe: '1m',
			openAt: column((index) => index * minute),
			open: column((index) => 100 + index),
			high: column((index) => 102.5 + index),
			low: column((index) => 99.5 + index),
			close: column((index) => 101 + index),
			volume: column(() => 10),
		},
		regime: { direction: 'TRENDING_UP', volatility: 'NORMAL' },
		funding: null,
		further: [],
		legs: [],
		position: null,
		nowMs: candles * minute,
	};
}

interface Asked {
	readonly bot?: number;
	readonly version?: number;
	readonly parameters?: unknown;
	readonly isUrgent?: boolean;
	readonly startBefore?: number;
	readonly data?: CheckData;
}

type Ask = (name: string, asked?: Asked) => Promise<Evaluation>;

async function lanesOf(files: Readonly<Record<string, string>>, limitMs = 1_500, examples: string[] = []) {
	const catalogue = openCatalogue({ folder: await makeFolder(files, examples), limits: { limitMs, heapMb: 64 } });
	const lanes = new StrategyLanes(catalogue);
	onTestFinished(async () => {
		await lanes.end();
		await catalogue.close();
	});
	expect(await catalogue.faults()).toEqual([]);
	const ask: Ask = async (
		name,
		{ bot = 1, version = 1, parameters = {}, isUrgent = false, startBefore, data } = {},
	) => {
		const strategy = await catalogue.own(name);
		return await lanes.evaluate({
			strategy: strategy!,
			strategyVersionId: version,
			botId: bot,
			isUrgent,
			startBefore: startBefore ?? performance.now() + 60_000,
			data: () => data ?? checkData(parameters),
		});
	};
	return { lanes, ask };
}

const modes = strategyFile(
	'modes',
	`
	switch (parameters.mode) {
		case 'throws': throw new RangeError('on purpose');
		case 'throws nothing': throw undefined;
		case 'hangs': while (true) {}
		case 'exits': process.exit(3);
		case 'eats memory': { const all = []; while (true) all.push(new Array(1_000).fill({})); }
		case 'overflows': { const deeper = () => 1 + deeper(); return deeper(); }
		case 'rejects': void Promise.reject(new Error('unhandled')); { const until = Date.now() + 5; while (Date.now() < until); } return null;
		case 'nan score': return { decision: 'NONE', score: Number.NaN };
		case 'nan figure': return { decision: 'NONE', figures: { range: Number.NaN } };
		case 'nan stop': return { decision: 'LONG', stopLossFraction: Number.NaN };
		case 'unknown decision': return { decision: 'MAYBE' };
		case 'text': return 'LONG';
		case 'nothing': return;
		case 'empty': return {};
		case 'promise': return Promise.resolve({ decision: 'NONE' });
		case 'function': return { decision: 'NONE', figures: { range: () => 1 } };
		case 'many figures': return { decision: 'NONE', figures: Object.fromEntries(Array.from({ length: 65 }, (_, i) => ['f' + i, i])) };
	}
	return { decision: 'LONG', stopLossFraction: 0.01, score: 0.5, figures: { close: view.candles.close.at(-1), now: nowMs } };
	`,
	`{ mode: z.string().default('') }`,
);

test('a decision, with its figures, stops and lots, as the pipeline has it', async () => {
	const { ask } = await lanesOf({ 'modes.ts': modes });
	expect(await ask('modes')).toEqual({
		score: 0.5,
		factors: [
			{ name: 'close', value: 300, score: null, weight: 0, contribution: null },
			{ name: 'now', value: 200 * minute, score: null, weight: 0, contribution: null },
		],
		decision: 'LONG',
		reason: 'ENTRY_RULE',
		stopLossFraction: 0.01,
		takeProfitFraction: null,
		trailingStopFraction: null,
		lots: null,
		validUntilMs: 0,
	});
});

test.each([
	['throws', Error, 'RangeError: on purpose'],
	['throws nothing', Error, 'it threw undefined'],
	['hangs', StrategyTimedOut, 'modes.ts did not answer within 1.5 s and was ended'],
	['exits', StrategyThreadEnded, 'modes.ts: it ended its thread with exit code 3'],
	['eats memory', StrategyThreadEnded, 'modes.ts: it used up the memory of its thread'],
	['overflows', Error, 'RangeError: Maximum call stack size exceeded'],
	['nan score', TypeError, /evaluation\.score: .*NaN/],
	['nan figure', TypeError, /evaluation\.factors\.0\.value: .*NaN/],
	['nan stop', TypeError, /evaluation\.stopLossFraction: .*NaN/],
	['unknown decision', TypeError, /evaluation\.decision: /],
	['text', Error, 'TypeError: decide must answer with { decision } or null, not LONG'],
	['nothing', Error, 'TypeError: decide must answer with { decision } or null, not undefined'],
	['empty', Error, 'TypeError: decide must answer with { decision } or null, not [object Object]'],
	['promise', Error, 'TypeError: decide answered with a promise: a strategy decides at once'],
	['function', Error, /could not be cloned/],
	['many figures', Error, 'RangeError: 65 factors or figures are more than 64'],
])('a strategy that %s fails that check, and the next one is as ever', async (mode, kind, message) => {
	const { ask } = await lanesOf({ 'modes.ts': modes }, mode === 'eats memory' ? 20_000 : 1_500);
	const failure = ask('modes', { parameters: { mode } });
	await expect(failure).rejects.toThrow(kind);
	await expect(failure).rejects.toThrow(message);
	expect(await ask('modes', { bot: 2 })).toMatchObject({ decision: 'LONG' });
});

test('only what the pipeline reads of an answer crosses over, however much there is', async () => {
	const file = `
import { defineStrategy, z } from 'botbox/strategy';
export default defineStrategy({
	id: 'T-chatty', name: 'chatty', title: 'Chatty', defaultInterval: 1, parameters: z.strictObject({}),
	prepare: () => ({
		timeframe: '1m', history: 1, maxLots: 1, favourableRegimes: ['RANGING'],
		evaluate: (view) => ({
			score: 0, decision: 'NONE', reason: 'NO_RULE', stopLossFraction: null, takeProfitFraction: null, view,
			factors: [{ name: 'x', value: 1, score: null, weight: 0, contribution: null, indicator: view.indicator }],
		}),
	}),
});`;
	const { ask } = await lanesOf({ 'chatty.ts': file });
	expect(await ask('chatty')).toMatchObject({
		decision: 'NONE',
		factors: [{ name: 'x', value: 1, score: null, weight: 0, contribution: null }],
	});
});

test('a rejection that nobody handles ends the thread, not the process; the check after it has a new one', async () => {
	const { ask } = await lanesOf({ 'modes.ts': modes });
	await ask('modes', { parameters: { mode: 'rejects' } }).catch(() => undefined);
	// Whether the check that caused it or the one after it is told, the one after that is as ever.
	await ask('modes', { bot: 2 }).catch(() => undefined);
	expect(await ask('modes', { bot: 3 })).toMatchObject({ decision: 'LONG' });
});

test('the documented breakout sees the breakout that there is, and too little history is told as such', async () => {
	const { ask } = await lanesOf({}, 1_500, ['channel-breakout.ts']);
	const parameters = { timeframe: '1m', channel_period: 20, stop_ranges: 2, allow_short: true };
	const data = checkData(parameters, 600);
	// Rising by 1 a candle, with highs of a point and a half above the close: nothing breaks out.
	expect(await ask('channel_breakout', { data })).toMatchObject({ decision: 'NONE', reason: 'NO_RULE' });
	data.main.close[599] = 710;
	data.main.high[599] = 711;
	const breakout = await ask('channel_breakout', { data });
	expect(breakout).toMatchObject({ decision: 'LONG', reason: 'ENTRY_RULE' });
	const figures = Object.fromEntries(breakout.factors.map(({ name, value }) => [name, value]));
	// The highest high of the 20 candles before the last, and the lowest low.
	expect(figures).toMatchObject({ close: 710, upper: 700.5, lower: 678.5, middle: 689.5 });
	expect(breakout.stopLossFraction).toBeCloseTo((2 * figures.atr!) / 710, 12);
	expect(await ask('channel_breakout', { data: checkData(parameters, 30) })).toMatchObject({
		decision: 'NONE',
		reason: 'INSUFFICIENT_HISTORY',
	});
	const position = { direction: 'LONG', averageEntryPrice: 700, quantity: 1, lots: 1, openedAt: 0 } as const;
	data.main.close[599] = 680;
	expect(await ask('channel_breakout', { data: { ...data, position } })).toMatchObject({
		decision: 'CLOSE',
		reason: 'EXIT_RULE',
	});
});

test('a file that hangs makes no other file wait', async () => {
	const { ask } = await lanesOf({ 'modes.ts': modes, 'quick.ts': strategyFile('quick', 'return null') });
	const order: string[] = [];
	const hanging = [1, 2].map((bot) =>
		ask('modes', { bot, parameters: { mode: 'hangs' } }).catch(() => order.push('hung')),
	);
	await Promise.all([3, 4, 5].map((bot) => ask('quick', { bot, version: 2 }).then(() => order.push('quick'))));
	await Promise.all(hanging);
	expect(order).toEqual(['quick', 'quick', 'quick', 'hung', 'hung']);
});

test('of one file, a version that hung goes aside: bots of another version wait for it once and not again', async () => {
	const { ask } = await lanesOf({ 'modes.ts': modes });
	const hang = (bot: number) =>
		ask('modes', { bot, version: 1, parameters: { mode: 'hangs' } }).catch(() => order.push(`hung ${bot}`));
	const good = (bot: number) => ask('modes', { bot, version: 2 }).then(() => order.push(`good ${bot}`));
	let order: string[] = [];
	// All come at once: the first to hang is not known to, the others of its version wait behind those of the good one.
	await Promise.all([hang(1), hang(2), hang(3), good(4), good(5)]);
	expect(order).toEqual(['hung 1', 'good 4', 'good 5', 'hung 2', 'hung 3']);
	order = [];
	await Promise.all([hang(1), good(4), good(5)]);
	expect(order).toEqual(['good 4', 'good 5', 'hung 1']);
});

test('of one version, bots that never hung come before those that did, and whoever is waited for before all', async () => {
	const { ask } = await lanesOf({ 'modes.ts': modes });
	const order: string[] = [];
	const ask1 = (bot: number, mode = '', isUrgent = false) =>
		ask('modes', { bot, isUrgent, parameters: { mode } }).then(
			() => order.push(`good ${bot}`),
			() => order.push(`hung ${bot}`),
		);
	await ask1(1, 'hangs');
	await Promise.all([ask1(9), ask1(1, 'hangs'), ask1(2), ask1(3), ask1(4, '', true)]);
	expect(order).toEqual(['hung 1', 'good 9', 'good 4', 'good 2', 'good 3', 'hung 1']);
});

test('what cannot begin in time is not begun, nor anything once no more is wanted', async () => {
	const { lanes, ask } = await lanesOf({ 'modes.ts': modes });
	const hanging = ask('modes', { parameters: { mode: 'hangs' } });
	const late = ask('modes', { bot: 2, startBefore: performance.now() + 100 });
	const waiting = ask('modes', { bot: 3 });
	await expect(hanging).rejects.toThrow(StrategyTimedOut);
	await expect(late).rejects.toThrow(StrategyNotStarted);
	expect(await waiting).toMatchObject({ decision: 'LONG' });
	const last = ask('modes', { bot: 4, parameters: { mode: 'hangs' } });
	const behind = ask('modes', { bot: 5 });
	// Both have been handed over by then.
	await new Promise(setImmediate);
	lanes.drain();
	await expect(behind).rejects.toThrow(StrategyNotStarted);
	await expect(ask('modes', { bot: 6 })).rejects.toThrow(StrategyNotStarted);
	await expect(last).rejects.toThrow(StrategyTimedOut);
});

test('what a strategy does to its candles no other check sees', async () => {
	const body =
		'const last = view.candles.close.at(-1); view.candles.close.fill(1); return { decision: "NONE", figures: { last } };';
	const { ask } = await lanesOf({ 'vandal.ts': strategyFile('vandal', body) });
	const data = checkData({});
	for (const bot of [1, 2]) {
		expect((await ask('vandal', { bot, data })).factors[0]?.value).toBe(300);
	}
});
