/**
 * Views of several markets: a strategy may look at further timeframes of its instrument, at funding rates, and at the legs
 * of a pair. Bots that look at the same markets share one view object, and with it every score that was computed from it.
 */
import type { Timeframe } from '../domain.ts';
import type { FundingRates, LegView, MarketView, TimeframeView } from '../strategies/strategy.ts';
import type { Market } from './windows.ts';

/** What a bot looks at, loaded for the same moment. */
export interface ViewParts {
	readonly main: Market;
	readonly funding: FundingRates | null;
	readonly further: readonly Market[];
	readonly legs: readonly { readonly market: Market; readonly funding: FundingRates | null }[];
}

interface Known {
	readonly parts: ViewParts;
	readonly view: MarketView;
}

/** Views by their first market; they die with it. More than a few per market means as many kinds of bots. */
const known = new WeakMap<Market, Known[]>();
const maxKnown = 32;

/** The view of `parts`: the market's own where there is nothing besides it, else one per combination, made once. */
export function viewOf(parts: ViewParts): MarketView {
	const { main } = parts;
	if (parts.funding === null && parts.further.length === 0 && parts.legs.length === 0) return main.view;
	const views = known.get(main) ?? [];
	known.set(main, views);
	const present = views.find((entry) => isSame(entry.parts, parts));
	if (present !== undefined) return present.view;
	const view = compose(parts);
	views.push({ parts, view });
	if (views.length > maxKnown) views.shift();
	return view;
}

function isSame(a: ViewParts, b: ViewParts): boolean {
	return (
		a.funding === b.funding &&
		a.further.length === b.further.length &&
		a.further.every((market, index) => market === b.further[index]) &&
		a.legs.length === b.legs.length &&
		a.legs.every((leg, index) => leg.market === b.legs[index]?.market && leg.funding === b.legs[index]?.funding)
	);
}

function compose({ main, funding, further, legs }: ViewParts): MarketView {
	const byTimeframe = new Map<Timeframe, TimeframeView>();
	for (const { view } of [main, ...further]) byTimeframe.set(view.candles.timeframe, view);
	const legViews: LegView[] = legs.map(({ market, funding: legFunding }) => {
		return { candles: market.view.candles, indicator: market.view.indicator, funding: legFunding };
	});
	return {
		candles: main.view.candles,
		indicator: main.view.indicator,
		regime: main.regime,
		funding,
		legs: legViews,
		timeframe: (timeframe) => byTimeframe.get(timeframe) ?? null,
	};
}
