/** What a bot did, as marks on its candles. */
import type { Candle, Position, Signal, Timeframe } from '../api/rows.ts';
import { words } from '../format/words.ts';

export const timeframeSeconds: Readonly<Record<Timeframe, number>> = {
	'1m': 60,
	'5m': 300,
	'15m': 900,
	'1h': 3_600,
	'4h': 14_400,
	'1d': 86_400,
};

export interface Mark {
	/** Opening time of its candle, in epoch seconds. */
	readonly time: number;
	readonly kind: 'rejected' | 'entry' | 'exit';
	readonly isUp: boolean;
	readonly text: string;
}

/** Marks on the candles that are shown, in the order of time; rejected signals of one candle and direction are one mark. */
export function marksOf(
	candles: readonly Candle[],
	timeframe: Timeframe,
	signals: readonly Signal[],
	positions: readonly Position[],
): readonly Mark[] {
	const length = timeframeSeconds[timeframe];
	const times = new Set(candles.map(({ open_at }) => Date.parse(open_at) / 1_000));
	const newest = Math.max(...times);
	const candleOf = (at: string): number => Math.min(newest, Math.floor(Date.parse(at) / 1_000 / length) * length);
	const marks = new Map<string, Mark>();
	const add = (mark: Mark): void => {
		if (times.has(mark.time)) marks.set(`${mark.time} ${mark.kind} ${mark.isUp}`, mark);
	};
	for (const signal of signals) {
		if (signal.status !== 'REJECTED') continue;
		add({ time: candleOf(signal.created_at), kind: 'rejected', isUp: signal.direction === 'LONG', text: '' });
	}
	for (const position of positions) {
		const isLong = position.direction === 'LONG';
		add({ time: candleOf(position.opened_at), kind: 'entry', isUp: isLong, text: words(position.direction) });
		if (position.closed_at === null) continue;
		add({ time: candleOf(position.closed_at), kind: 'exit', isUp: !isLong, text: 'Exit' });
	}
	return [...marks.values()].sort((a, b) => a.time - b.time);
}

/** Signals or positions of one market: a bot of two legs has them of both. */
export const ofMarket = <Row extends { readonly symbol: string }>(
	rows: readonly Row[],
	symbol: string,
): readonly Row[] => rows.filter((row) => row.symbol === symbol);
