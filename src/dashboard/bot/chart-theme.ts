/** The chart in the page's colours, which its canvas cannot read from the style sheet by itself. */
import type { CandlestickSeriesPartialOptions, ChartOptions, DeepPartial } from 'lightweight-charts';
import { TickMarkType } from 'lightweight-charts';

const properties = {
	text: '--text',
	muted: '--muted',
	line: '--line',
	panel: '--panel',
	accent: '--accent',
	onAccent: '--on-accent',
	gain: '--gain',
	loss: '--loss',
	volume: '--volume',
} as const;
export type Colours = Readonly<Record<keyof typeof properties, string>>;

/** `isDark` only makes plain at the call that they differ by it. */
export function readColours(_isDark: boolean): Colours {
	const style = getComputedStyle(document.documentElement);
	return Object.fromEntries(
		Object.entries(properties).map(([name, property]) => [name, style.getPropertyValue(property).trim()]),
	) as Colours;
}

export function chartOptions(colours: Colours): DeepPartial<ChartOptions> {
	return {
		layout: {
			background: { color: colours.panel },
			textColor: colours.muted,
			fontFamily: getComputedStyle(document.body).fontFamily,
			fontSize: 11,
		},
		grid: { vertLines: { color: colours.line }, horzLines: { color: colours.line } },
		rightPriceScale: { borderColor: colours.line },
		timeScale: { borderColor: colours.line, tickMarkFormatter: tickMark },
		crosshair: {
			vertLine: { color: colours.muted, labelBackgroundColor: colours.accent },
			horzLine: { color: colours.muted, labelBackgroundColor: colours.accent },
		},
	};
}

export function seriesOptions(colours: Colours, lastClose: string | undefined): CandlestickSeriesPartialOptions {
	return {
		upColor: colours.gain,
		downColor: colours.loss,
		wickUpColor: colours.gain,
		wickDownColor: colours.loss,
		borderVisible: false,
		priceLineColor: colours.muted,
		priceFormat: {
			type: 'price',
			minMove: minMove(Number(lastClose ?? 1)),
			precision: precision(Number(lastClose ?? 1)),
		},
	};
}

function precision(price: number): number {
	return price >= 1_000 ? 2 : price >= 10 ? 3 : price >= 1 ? 4 : price >= 0.01 ? 5 : 8;
}

function minMove(price: number): number {
	return 10 ** -precision(price);
}

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const hour = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** Local time, as everywhere on the page. */
function tickMark(time: unknown, type: TickMarkType): string {
	const at = Number(time) * 1_000;
	return type === TickMarkType.Time || type === TickMarkType.TimeWithSeconds ? hour.format(at) : day.format(at);
}
