import { useMemo, useState } from 'react';
import { useCandles } from '../api/queries.ts';
import type { Bot, Candle, Position, Signal, Timeframe } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';
import { Empty, Loaded, Panel } from '../parts/panel.tsx';
import { CandleChart } from './candle-chart.tsx';
import { ofMarket } from './markers.ts';

const timeframes: readonly Timeframe[] = ['1m', '5m', '15m', '1h', '4h'];

interface ChartPanelProps {
	readonly bot: Bot;
	readonly signals: readonly Signal[];
	readonly positions: readonly Position[];
}

export function ChartPanel({ bot, signals, positions }: ChartPanelProps) {
	const [timeframe, setTimeframe] = useState<Timeframe>(bot.timeframe);
	const candles = useCandles(bot.instrument_id, timeframe);
	// A pair's second leg has its own prices, which do not belong on these candles.
	const shownSignals = useMemo(() => ofMarket(signals, bot.symbol), [signals, bot.symbol]);
	const shownPositions = useMemo(() => ofMarket(positions, bot.symbol), [positions, bot.symbol]);
	return (
		<Panel
			title={bot.symbol}
			className="chart-panel"
			note={candles.data === undefined ? undefined : lastNote(candles.data.items)}
			tools={
				<fieldset className="choice">
					<legend className="hidden">Timeframe</legend>
					{timeframes.map((each) => (
						<button key={each} type="button" aria-pressed={each === timeframe} onClick={() => setTimeframe(each)}>
							{each}
						</button>
					))}
				</fieldset>
			}
		>
			<Loaded of={candles}>
				{({ items }) =>
					items.length === 0 ? (
						<Empty>There are no {timeframe} candles of this market.</Empty>
					) : (
						<CandleChart
							key={timeframe}
							label={`${bot.symbol}, ${items.length} ${timeframe} candles, with the bot's signals and positions; the tables below hold the same`}
							candles={items}
							timeframe={timeframe}
							signals={shownSignals}
							positions={shownPositions}
						/>
					)
				}
			</Loaded>
		</Panel>
	);
}

function lastNote([last]: readonly Candle[]): string {
	return last === undefined ? '' : `last close ${numbers.price(last.close)}`;
}
