import type { Position } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';
import { lasted } from '../format/times.ts';
import type { Column } from '../parts/data-table.tsx';
import { Ago, Pnl, Status } from '../parts/figures.tsx';

const kept = new Set(['direction', 'quantity', 'entry']);

/** A bot's positions over time, open and closed: of the columns of open ones, those that hold for both. */
export function closedColumns(columns: readonly Column<Position>[]): readonly Column<Position>[] {
	return [
		{
			key: 'opened',
			title: 'Opened',
			width: 80,
			sort: (row) => row.opened_at,
			hint: (row) => (row.closed_at === null ? 'still open' : `held ${lasted(row.opened_at, row.closed_at)}`),
			cell: (row) => <Ago at={row.opened_at} />,
		},
		{
			key: 'status',
			title: 'Status',
			width: 74,
			sort: (row) => row.status,
			cell: (row) => <Status status={row.status} />,
		},
		...columns.filter(({ key }) => kept.has(key)),
		{
			key: 'exit',
			title: 'Exit',
			width: 96,
			isNumber: true,
			isWide: true,
			cell: (row) => numbers.price(row.average_exit_price),
		},
		{
			key: 'pnl',
			title: 'P&L',
			atLeast: 76,
			isNumber: true,
			cell: (row) => <Pnl value={numbers.total([row.net_pnl, row.unrealised_pnl])} unit={row.settle_asset} />,
		},
	];
}
