/** Columns of the lists in a bot's own view. */

import type { Position, Signal, Trade } from '../api/rows.ts';
import { signalColumns, symbolColumn, tradeColumns, tradeOutcomeColumns, withoutBot } from '../overview/columns.tsx';
import type { Column } from '../parts/data-table.tsx';
import { positionHistoryColumns } from './position-history.tsx';

export interface OwnColumns {
	readonly positions: readonly Column<Position>[];
	readonly signals: readonly Column<Signal>[];
	readonly trades: readonly Column<Trade>[];
}

/** With the market of each row where the bot trades on a second one. */
export function ownColumns(secondSymbol: string | null): OwnColumns {
	const trades = tradeColumns.flatMap((column) => (column.key === 'direction' ? [column, symbolColumn] : [column]));
	return {
		positions: withoutBot(positionHistoryColumns, secondSymbol),
		signals: withoutBot(signalColumns, secondSymbol),
		trades: [...withoutBot(trades, secondSymbol), ...tradeOutcomeColumns],
	};
}
