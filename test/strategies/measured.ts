/**
 * Prints the tables under “Measured” in docs/strategies: what the strategies' defaults did on recorded and made-up markets.
 *
 *     node test/strategies/measured.ts [STRATEGY ...] [--parameters JSON]
 *
 * ONLY=REGEX picks markets by name, REASONS=1 counts why trades ended.
 *
 * Entry and exit at the close of the candle that decided, 0.02% slippage and 0.055% fee per side; stops at their price, looked for in
 * every candle of the market's own timeframe, the stop before the target where one candle holds both. One unit per trade.
 */
import { type Timeframe, timeframeMs } from '../../src/domain.ts';
import { classifyRegime } from '../../src/market/regime.ts';
import { Market } from '../../src/simulator/market/market.ts';
import { parseParameters, prepareStrategy } from '../../src/strategies/registry.ts';
import type { CandleWindow, Evaluation, HeldPosition } from '../../src/strategies/strategy.ts';
import { randomWalk, recorded } from '../market/market-windows.ts';
import { History, viewAt, withRegime, withVolume } from './moments.ts';

const costPerSide = 0.0002 + 0.00055;

interface Trade {
	readonly net: number;
	readonly minutes: number;
	readonly reason: string;
}

interface Outcome {
	readonly days: number;
	readonly entryShare: number;
	readonly trades: readonly Trade[];
}

interface Held extends HeldPosition {
	readonly stops: Evaluation;
	best: number;
}

/** One bot of `name`, checked at every close of its timeframe. */
function backtest(name: string, parameters: Readonly<Record<string, unknown>>, base: CandleWindow): Outcome {
	const strategy = prepareStrategy(name, parameters);
	const { timeframe } = strategy;
	const history = new History(base);
	const needs = withRegime(strategy);
	const closes = history.candles(timeframe).openAt.map((openAt) => openAt + timeframeMs[timeframe]);
	const trades: Trade[] = [];
	let [regime, held, next, checks, entries] = [null as ReturnType<typeof classifyRegime>, null as Held | null, 0, 0, 0];

	function close(price: number, at: number, reason: string): void {
		if (held === null) return;
		const move = price / held.averageEntryPrice - 1;
		const net = (held.direction === 'LONG' ? move : -move) - 2 * costPerSide;
		trades.push({ net, minutes: (at - held.openedAt) / 60_000, reason });
		held = null;
	}

	for (const at of closes) {
		for (; next < base.close.length && base.openAt[next]! < at; next += 1) {
			const hit = held === null ? null : stopIn(held, base, next);
			if (hit !== null) close(hit.price, base.openAt[next]! + timeframeMs[base.timeframe], hit.reason);
		}
		const view = viewAt(history, at, timeframe, needs);
		if (view.candles.close.length < needs.history) continue;
		regime = classifyRegime(view, regime);
		const evaluation = strategy.evaluate(view, held, at);
		const price = view.candles.close.at(-1)!;
		checks += 1;
		const flat = held === null ? evaluation : strategy.evaluate(view, null, at);
		const isFavourable = regime !== null && strategy.favourableRegimes.includes(regime.direction);
		const isEntry = isFavourable && (flat.decision === 'LONG' || flat.decision === 'SHORT');
		if (isEntry) entries += 1;
		if (evaluation.decision === 'CLOSE') close(price, at, evaluation.reason);
		else if (held === null && isEntry) {
			const position = { direction: flat.decision, averageEntryPrice: price, quantity: 1, lots: 1, openedAt: at };
			held = { ...position, stops: flat, best: price };
		}
	}
	const days = (checks * timeframeMs[timeframe]) / timeframeMs['1d'];
	return { days, entryShare: entries / checks, trades };
}

/** The stop that candle `index` reached, if any; moves the best price since entry. */
function stopIn(held: Held, { high, low }: CandleWindow, index: number): { price: number; reason: string } | null {
	const { direction, averageEntryPrice: entry, stops } = held;
	const sign = direction === 'LONG' ? 1 : -1;
	const [worst, best] = sign === 1 ? [low[index]!, high[index]!] : [high[index]!, low[index]!];
	const { stopLossFraction: loss, takeProfitFraction: profit, trailingStopFraction: trail } = stops;
	const levels: { price: number; reason: string }[] = [];
	if (loss !== null) levels.push({ price: entry * (1 - sign * loss), reason: 'stop' });
	if (trail != null) levels.push({ price: held.best * (1 - sign * trail), reason: 'trail' });
	// The nearer of the two is met first.
	levels.sort((a, b) => sign * (b.price - a.price));
	const hit = levels.find(({ price }) => sign * (worst - price) <= 0);
	if (hit !== undefined) return hit;
	held.best = sign * (best - held.best) > 0 ? best : held.best;
	if (profit !== null && sign * (best - entry * (1 + sign * profit)) >= 0)
		return { price: entry * (1 + sign * profit), reason: 'target' };
	return null;
}

/** Minutes of a market of the simulated exchange, seed 7. */
function simulated(symbol: string, days: number): CandleWindow {
	const start = Date.UTC(2025, 4, 1);
	const market = new Market({ seed: 7, instrumentCount: 6, launchTime: start, shifts: new Map() });
	const listing = market.find('linear', symbol);
	if (listing === undefined) throw new RangeError(`there is no ${symbol}`);
	const { series } = listing;
	const end = start + days * timeframeMs['1d'];
	const minutes = Array.from({ length: days * 1440 }, (_, index) => {
		const openAt = start + index * 60_000;
		const candle = series.candle(openAt, openAt + 60_000, end)!;
		return { openAt, ...candle };
	});
	const price = (field: 'openTicks' | 'highTicks' | 'lowTicks' | 'closeTicks') =>
		Float64Array.from(minutes, (minute) => minute[field] / series.pricesPerUnit);
	return {
		timeframe: '1m',
		openAt: Float64Array.from(minutes, ({ openAt }) => openAt),
		open: price('openTicks'),
		high: price('highTicks'),
		low: price('lowTicks'),
		close: price('closeTicks'),
		volume: Float64Array.from(minutes, ({ lots }) => lots / series.lotsPerUnit),
	};
}

interface Case {
	readonly market: string;
	readonly timeframe: Timeframe;
	readonly isLongOnly?: boolean;
	candles(): CandleWindow | null;
}

const cases: readonly Case[] = [
	{ market: 'recorded XRP-USDT perpetual', timeframe: '5m', candles: () => recorded('XRP-USDT-USDT_5m', '5m') },
	{ market: 'recorded ETH-BTC', timeframe: '5m', isLongOnly: true, candles: () => recorded('ETH-BTC_5m', '5m') },
	{ market: 'recorded ADA-BTC', timeframe: '5m', isLongOnly: true, candles: () => recorded('ADA-BTC_5m', '5m') },
	{
		market: 'recorded UNITTEST-BTC',
		timeframe: '1m',
		isLongOnly: true,
		candles: () => recorded('UNITTEST-BTC_1m', '1m'),
	},
	...['BTCUSDT', 'SOLUSDT'].map((symbol): Case => {
		return { market: `simulated ${symbol} perpetual`, timeframe: '1m', candles: () => simulated(symbol, 14) };
	}),
	{ market: 'random walk', timeframe: '1m', candles: () => withVolume(randomWalk(77, 20_000, 0.001, '1m'), 77) },
];

const [names, given] = splitArguments(process.argv.slice(2));
const known = new Map<string, CandleWindow | null>();
for (const name of names.length > 0 ? names : ['scalping', 'mean_reversion', 'trend_following']) {
	console.log(
		`\n${name}\n| market | timeframe | days | in entry state | trades | won | minutes held | net |\n|---|---|---|---|---|---|---|---|`,
	);
	const { timeframe: usual } = parseParameters(name, given) as { timeframe: Timeframe };
	for (const { market, timeframe: own, isLongOnly = false, candles } of cases) {
		if (process.env.ONLY && !market.match(process.env.ONLY)) continue;
		const window = known.has(market) ? known.get(market)! : candles();
		known.set(market, window);
		const paces = new Set([usual, own === '1m' ? '1m' : '5m', '5m', '15m'] as const);
		for (const timeframe of [...paces].sort((a, b) => timeframeMs[a] - timeframeMs[b])) {
			if (window === null || timeframeMs[timeframe] < timeframeMs[own]) continue;
			if (name === 'scalping' && timeframeMs[timeframe] > timeframeMs['5m']) continue;
			const parameters = { ...given, timeframe, allow_short: !isLongOnly };
			const { days, entryShare, trades } = backtest(name, parameters, window);
			const mean = (of: (trade: Trade) => number) => trades.reduce((sum, trade) => sum + of(trade), 0) / trades.length;
			const cells = [
				`${market}${isLongOnly ? ', long only' : ''}`,
				timeframe,
				days.toFixed(1),
				percent(entryShare),
				trades.length,
				percent(mean(({ net }) => (net > 0 ? 1 : 0))),
				mean(({ minutes }) => minutes).toFixed(0),
				`${(100 * mean(({ net }) => net) * trades.length).toFixed(1)}%`,
			];
			console.log(`| ${cells.join(' | ')} |`, process.env.REASONS ? JSON.stringify(countBy(trades)) : '');
		}
	}
}

function percent(share: number): string {
	return Number.isNaN(share) ? '-' : `${Math.round(100 * share)}%`;
}

function countBy(trades: readonly Trade[]): Record<string, number> {
	const counts: Record<string, number> = {};
	for (const { reason } of trades) counts[reason] = (counts[reason] ?? 0) + 1;
	return counts;
}

function splitArguments(words: readonly string[]): [string[], Record<string, unknown>] {
	const at = words.indexOf('--parameters');
	if (at === -1) return [[...words], {}];
	return [words.slice(0, at), JSON.parse(words[at + 1] ?? '{}') as Record<string, unknown>];
}
