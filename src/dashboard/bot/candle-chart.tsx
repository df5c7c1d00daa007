import {
	CandlestickSeries,
	createChart,
	createSeriesMarkers,
	HistogramSeries,
	type IChartApi,
	type IPriceLine,
	type ISeriesApi,
	type ISeriesMarkersPluginApi,
	LineStyle,
	type SeriesMarker,
	type Time,
	type UTCTimestamp,
} from 'lightweight-charts';
import { useEffect, useRef } from 'react';
import type { Candle, Position, Signal, Timeframe } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';
import { minuteTime } from '../format/times.ts';
import { useMedia } from '../parts/media.ts';
import { type Colours, chartOptions, readColours, seriesOptions } from './chart-theme.ts';
import { type Mark, marksOf } from './markers.ts';

interface CandleChartProps {
	readonly label: string;
	/** Newest first, as the API lists them. */
	readonly candles: readonly Candle[];
	readonly timeframe: Timeframe;
	readonly signals: readonly Signal[];
	readonly positions: readonly Position[];
}

interface Drawn {
	readonly chart: IChartApi;
	readonly prices: ISeriesApi<'Candlestick'>;
	readonly volumes: ISeriesApi<'Histogram'>;
	readonly markers: ISeriesMarkersPluginApi<Time>;
	lines: IPriceLine[];
	isFitted: boolean;
}

/** As many candles as are seen at first; the others are to the left. */
const firstSeen = 120;

export function CandleChart({ label, candles, timeframe, signals, positions }: CandleChartProps) {
	const container = useRef<HTMLDivElement>(null);
	const drawn = useRef<Drawn | null>(null);
	const isDark = useMedia('(prefers-color-scheme: dark)');

	useEffect(() => {
		if (container.current === null) return;
		drawn.current = draw(container.current);
		return () => {
			drawn.current?.chart.remove();
			drawn.current = null;
		};
	}, []);

	useEffect(() => {
		const { current } = drawn;
		if (current === null) return;
		// Read anew whenever the scheme changes: the colours are the page's own.
		const colours = readColours(isDark);
		current.chart.applyOptions(chartOptions(colours));
		current.prices.applyOptions(seriesOptions(colours, candles[0]?.close));
		show(current, candles, colours);
		current.markers.setMarkers(marksOf(candles, timeframe, signals, positions).map((mark) => markerOf(mark, colours)));
		showLevels(
			current,
			positions.find(({ status }) => status === 'OPEN'),
			colours,
		);
	}, [candles, timeframe, signals, positions, isDark]);

	return <div className="chart" ref={container} role="img" aria-label={label} />;
}

function draw(container: HTMLElement): Drawn {
	const chart = createChart(container, {
		autoSize: true,
		// Its logo brings a style element, which the content security policy refuses: the credit is in the footer.
		layout: { attributionLogo: false },
		timeScale: { timeVisible: true, rightOffset: 10 },
		localization: {
			locale: 'en-GB',
			timeFormatter: (time: Time) => minuteTime(Number(time) * 1_000),
			priceFormatter: (value: number) => numbers.price(value),
		},
	});
	const volumes = chart.addSeries(HistogramSeries, {
		priceScaleId: 'volume',
		priceFormat: { type: 'volume' },
		lastValueVisible: false,
		priceLineVisible: false,
	});
	volumes.priceScale().applyOptions({ scaleMargins: { top: 0.86, bottom: 0 } });
	const prices = chart.addSeries(CandlestickSeries, {});
	prices.priceScale().applyOptions({ scaleMargins: { top: 0.1, bottom: 0.18 } });
	return { chart, prices, volumes, markers: createSeriesMarkers(prices, []), lines: [], isFitted: false };
}

const secondsOf = (candle: Candle): UTCTimestamp => (Date.parse(candle.open_at) / 1_000) as UTCTimestamp;

function show(current: Drawn, candles: readonly Candle[], colours: Colours): void {
	const oldestFirst = candles.toReversed();
	current.prices.setData(
		oldestFirst.map((candle) => ({
			time: secondsOf(candle),
			open: Number(candle.open),
			high: Number(candle.high),
			low: Number(candle.low),
			close: Number(candle.close),
		})),
	);
	current.volumes.setData(
		oldestFirst.map((candle) => ({ time: secondsOf(candle), value: Number(candle.volume), color: colours.volume })),
	);
	if (current.isFitted) return;
	current.isFitted = true;
	current.chart
		.timeScale()
		.setVisibleLogicalRange({ from: oldestFirst.length - firstSeen, to: oldestFirst.length + 10 });
}

function markerOf(mark: Mark, colours: Colours): SeriesMarker<Time> {
	const position = mark.isUp ? 'belowBar' : 'aboveBar';
	const shape =
		mark.kind === 'rejected' ? 'circle' : mark.kind === 'exit' ? 'square' : mark.isUp ? 'arrowUp' : 'arrowDown';
	const color = mark.kind === 'rejected' ? colours.muted : mark.kind === 'exit' ? colours.text : colours.accent;
	return {
		time: mark.time as UTCTimestamp,
		position,
		shape,
		color,
		text: mark.text,
		size: mark.kind === 'rejected' ? 0.5 : 1,
	};
}

/** Entry, stops and target of the open position. */
function showLevels(current: Drawn, position: Position | undefined, colours: Colours): void {
	for (const line of current.lines) current.prices.removePriceLine(line);
	const levels =
		position === undefined
			? []
			: ([
					[position.average_entry_price, colours.accent, 'Entry'],
					[position.stop_loss_price, colours.loss, 'Stop'],
					[position.take_profit_price, colours.gain, 'Target'],
					[position.trailing_stop_price, colours.loss, 'Trailing stop'],
				] as const);
	current.lines = levels.flatMap(([price, color, title]) =>
		price === null
			? []
			: [
					current.prices.createPriceLine({
						price: Number(price),
						color,
						title,
						lineWidth: 1,
						lineStyle: LineStyle.Dashed,
						axisLabelVisible: true,
						axisLabelTextColor: colours.onAccent,
					}),
				],
	);
}
