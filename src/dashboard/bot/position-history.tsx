import type { Position } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';
import { lasted } from '../format/times.ts';
import { positionColumns } from '../overview/columns.tsx';
import type { Column } from '../parts/data-table.tsx';
import { Ago, Pnl, Status } from '../parts/figures.tsx';

/** Of the columns of open positions, those that hold for closed ones as well. */
const shared = new Set(['direction', 'symbol', 'quantity', 'notional', 'entry', 'stop', 'target']);

/** A bot's positions over time, open and closed. */
export const positionHistoryColumns: readonly Column<Position>[] = [
	{
		key: 'opened',
		title: 'Opened',
		width: 96,
		sort: (row) => row.opened_at,
		cell: (row) => <Ago at={row.opened_at} />,
	},
	{
		key: 'status',
		title: 'Status',
		width: 80,
		sort: (row) => row.status,
		cell: (row) => <Status status={row.status} />,
	},
	...positionColumns.filter(({ key }) => shared.has(key)),
	{
		key: 'exit',
		title: 'Exit',
		width: 96,
		isNumber: true,
		isWide: true,
		cell: (row) => numbers.price(row.average_exit_price),
	},
	{
		key: 'held',
		title: 'Held',
		width: 110,
		isNumber: true,
		isWide: true,
		cell: (row) => (row.closed_at === null ? numbers.none : lasted(row.opened_at, row.closed_at)),
	},
	{
		key: 'pnl',
		title: 'P&L',
		atLeast: 80,
		isNumber: true,
		sort: (row) => numbers.total([row.net_pnl, row.unrealised_pnl]),
		cell: (row) => <Pnl value={numbers.total([row.net_pnl, row.unrealised_pnl])} unit={row.settle_asset} />,
	},
];
