/** The grid's books in tests: what botbox's would hold if each check were filled at its price. */
import { createMarketView } from '../../src/market/view.ts';
import { grid } from '../../src/strategies/grid.ts';
import { gridParameters } from '../../src/strategies/grid-parameters.ts';
import type { CandleWindow, Evaluation, HeldPosition, PreparedStrategy } from '../../src/strategies/strategy.ts';
import { windowOf } from '../market/market-windows.ts';

export const prepare = (parameters: Record<string, unknown>): PreparedStrategy =>
	grid.prepare(gridParameters.parse(parameters));
export const seen = (window: CandleWindow) => createMarketView(window, null);
export const priced = (...close: number[]) => seen(windowOf({ close }));

/** Nine lines a side: 99 to 91 below 100, out of range from 90 on. */
export const range = {
	grid: 'range',
	lower: 90,
	upper: 100,
	levels: 9,
	out_of_range: 'hold',
	max_holding_minutes: null,
};

export interface Book {
	held: HeldPosition | null;
	/** Prices at which the lots that are held were entered, the last one on top. */
	readonly entries: number[];
	readonly gains: number[];
}

/** One check at `price`, filled there: the books move as botbox's would. */
export function step(
	strategy: PreparedStrategy,
	book: Book,
	view: ReturnType<typeof seen>,
	price: number,
	now = 0,
): Evaluation {
	const evaluation = strategy.evaluate(view, book.held, now);
	const { decision, lots } = evaluation;
	if (decision === 'CLOSE') {
		if (book.held === null) throw new Error('closed nothing');
		const sign = book.held.direction === 'LONG' ? 1 : -1;
		for (let left = lots ?? book.held.lots; left > 0; left--) book.gains.push(sign * (price - book.entries.pop()!));
	} else if (decision !== 'NONE') {
		for (let left = lots ?? 1; left > 0; left--) book.entries.push(price);
	}
	const count = book.entries.length;
	const direction = decision === 'LONG' || decision === 'SHORT' ? decision : book.held?.direction;
	book.held =
		count === 0 || direction === undefined
			? null
			: {
					direction,
					lots: count,
					quantity: count,
					averageEntryPrice: book.entries.reduce((sum, entry) => sum + entry) / count,
					openedAt: book.held?.openedAt ?? now,
				};
	return evaluation;
}
export const emptyBook = (): Book => ({ held: null, entries: [], gains: [] });
