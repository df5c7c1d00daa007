/** Signals, queue, orders and positions of all bots. */
import type { UseQueryResult } from '@tanstack/react-query';
import { useOpenPositions, useOrders, useSignals, useTrades } from '../api/queries.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Empty, Loaded, Panel } from '../parts/panel.tsx';
import { orderColumns, positionColumns, signalColumns, tradeColumns } from './columns.tsx';

export function PositionsPanel() {
	return (
		<ListPanel
			id="positions"
			title="Open positions"
			empty="No position is open."
			list={useOpenPositions()}
			columns={positionColumns}
			rowKey={(row) => row.position_id}
		/>
	);
}

export function SignalsPanel() {
	return (
		<ListPanel
			id="signals"
			title="Recent signals"
			empty="No signal yet: bots are checked on their intervals."
			list={useSignals()}
			columns={signalColumns}
			rowKey={(row) => row.signal_id}
		/>
	);
}

export function TradesPanel() {
	return (
		<ListPanel
			id="queue"
			title="Trade queue"
			empty="Nothing was queued yet."
			list={useTrades()}
			columns={tradeColumns}
			rowKey={(row) => row.trade_id}
		/>
	);
}

export function OrdersPanel() {
	return (
		<ListPanel
			id="orders"
			title="Orders"
			empty="No order was sent yet."
			list={useOrders()}
			columns={orderColumns}
			rowKey={(row) => row.order_id}
		/>
	);
}

interface ListPanelProps<Row> {
	readonly id?: string;
	readonly title: string;
	readonly empty: string;
	readonly list: UseQueryResult<{ readonly items: readonly Row[]; readonly next: string | null }>;
	readonly columns: readonly Column<Row>[];
	readonly rowKey: (row: Row) => string | number;
}

export function ListPanel<Row>({ id, title, empty, list, columns, rowKey }: ListPanelProps<Row>) {
	const { data } = list;
	const note =
		data === undefined ? undefined : data.next === null ? String(data.items.length) : `latest ${data.items.length}`;
	return (
		<Panel title={title} note={note} {...(id === undefined ? {} : { id })}>
			<Loaded of={list}>
				{({ items }) =>
					items.length === 0 ? (
						<Empty>{empty}</Empty>
					) : (
						<DataTable caption={title} name={id ?? title} columns={columns} rows={items} rowKey={rowKey} />
					)
				}
			</Loaded>
		</Panel>
	);
}
