/**
 * `indicators`: nanoseconds per candle, over a whole window and for each new candle at its end, against the libraries of the field. Who has
 * no running state has to compute the window anew for every new candle, and is measured so.
 */
import { performance } from 'node:perf_hooks';
import { candleOf } from '../../src/market/indicators/stream.ts';
import type { CandleWindow } from '../../src/strategies/strategy.ts';
import { type Benchmark, type Figure, median } from '../benchmark.ts';
import { type Columns, type Contender, loadContenders, type Name, specs } from './contenders.ts';

/** Candles of the window that is computed whole, and of the one that is kept for strategies. */
const wholeLength = 10_000;
const keptLength = 500;

export const indicators: Benchmark = {
	name: 'indicators',
	title: 'nanoseconds per candle, whole windows and new candles, against four libraries',
	run: async ({ isQuick, log }) => {
		const { botbox, peers } = await loadContenders();
		const repeats = isQuick ? 3 : 15;
		const figures: Figure[] = [];
		const [long, kept] = [columnsOf(wholeLength), columnsOf(keptLength)];
		for (const name of Object.keys(specs) as Name[]) {
			const whole = (contender: Contender) => timeWhole(contender, name, long, repeats);
			const next = (contender: Contender) => timeNext(contender, name, kept, repeats);
			for (const [metric, time] of [
				['whole window', whole],
				['new candle', next],
			] as const) {
				const entries = peers.map((peer) => [peer.name, time(peer)] as const);
				const known = entries.filter((entry): entry is readonly [string, number] => entry[1] !== null);
				const value = time(botbox) ?? Number.NaN;
				log(`${name}, ${metric}: ${value.toFixed(0)} ns`);
				figures.push({
					benchmark: 'indicators',
					case: name,
					metric,
					value,
					unit: 'ns per candle',
					floor: null,
					peers: Object.fromEntries(known),
				});
			}
		}
		return figures;
	},
};

/** Keeps the compiler from leaving out work whose result nobody reads. */
let sink: unknown;

function timeWhole(contender: Contender, name: Name, columns: Columns, repeats: number): number | null {
	const compute = contender.whole(name, columns);
	if (compute === null) return null;
	return timeOf(compute, repeats) / columns.close.length;
}

function timeNext(contender: Contender, name: Name, columns: Columns, repeats: number): number | null {
	const { window } = columns;
	const take = contender.stream(name);
	if (take === null) {
		const compute = contender.whole(name, columns);
		return compute === null ? null : timeOf(compute, repeats);
	}
	const candles = window.close.map((_, index) => index);
	const all = Array.from(candles, (index) => candleOf(window, index));
	// It has seen one window; then each repeat shows it another as long.
	for (const candle of all) take(candle);
	return (
		timeOf(() => {
			for (const candle of all) sink = take(candle);
			return sink;
		}, repeats) / all.length
	);
}

/** Median of repeats after as many that warm up, each long enough for the clock; nanoseconds. */
function timeOf(compute: () => unknown, repeats: number): number {
	const times: number[] = [];
	for (let repeat = 0; repeat < 2 * repeats; repeat += 1) {
		const begun = performance.now();
		let rounds = 0;
		do {
			sink = compute();
			rounds += 1;
		} while (performance.now() - begun < 2);
		if (repeat >= repeats) times.push((1e6 * (performance.now() - begun)) / rounds);
	}
	return median(times);
}

/** A walk that is the same at every run. */
function columnsOf(length: number): Columns {
	const columns = { high: [] as number[], low: [] as number[], close: [] as number[], open: [] as number[] };
	let price = 100;
	let seed = 1;
	const random = (): number => {
		seed = (seed * 48_271) % 2_147_483_647;
		return seed / 2_147_483_647;
	};
	for (let index = 0; index < length; index += 1) {
		const open = price;
		price *= 1 + (random() - 0.5) / 100;
		columns.open.push(open);
		columns.close.push(price);
		columns.high.push(Math.max(open, price) * (1 + random() / 500));
		columns.low.push(Math.min(open, price) * (1 - random() / 500));
	}
	const window: CandleWindow = {
		timeframe: '1m',
		openAt: Float64Array.from({ length }, (_, index) => index * 60_000),
		open: Float64Array.from(columns.open),
		high: Float64Array.from(columns.high),
		low: Float64Array.from(columns.low),
		close: Float64Array.from(columns.close),
		volume: Float64Array.from({ length }, () => 1 + random()),
	};
	return { window, high: columns.high, low: columns.low, close: columns.close };
}
