/** Signals, queue and positions of all bots, as the overview shows them. */
import type { UseQueryResult } from '@tanstack/react-query';
import { useOpenPositions, useSignals, useTrades } from '../api/queries.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Empty, Loaded, Panel } from '../parts/panel.tsx';
import { positionColumns, signalColumns, tradeColumns } from './columns.tsx';

/** What the overview has room for; the views of their own have the rest. */
const without = <Row,>(columns: readonly Column<Row>[], ...left: readonly string[]): readonly Column<Row>[] =>
	columns.filter(({ key }) => !left.includes(key));
const fewPositionColumns = without(positionColumns, 'quantity', 'last', 'target', 'protection', 'opened', 'booked');
const fewSignalColumns = without(signalColumns, 'price', 'notional', 'trade');

export function PositionsPanel() {
	return (
		<ListPanel
			title="Open positions"
			empty="No position is open."
			list={useOpenPositions()}
			columns={fewPositionColumns}
			rowKey={(row) => row.position_id}
		/>
	);
}

export function SignalsPanel() {
	return (
		<ListPanel
			title="Recent signals"
			empty="No signal yet: bots are checked on their intervals."
			list={useSignals()}
			columns={fewSignalColumns}
			rowKey={(row) => row.signal_id}
		/>
	);
}

export function TradesPanel() {
	return (
		<ListPanel
			title="Trade queue"
			empty="Nothing was queued yet."
			list={useTrades()}
			columns={tradeColumns}
			rowKey={(row) => row.trade_id}
		/>
	);
}

interface ListPanelProps<Row> {
	readonly title: string;
	readonly empty: string;
	readonly list: UseQueryResult<{ readonly items: readonly Row[]; readonly next: string | null }>;
	readonly columns: readonly Column<Row>[];
	readonly rowKey: (row: Row) => string | number;
}

export function ListPanel<Row>({ title, empty, list, columns, rowKey }: ListPanelProps<Row>) {
	const { data } = list;
	const note =
		data === undefined ? undefined : data.next === null ? String(data.items.length) : `latest ${data.items.length}`;
	return (
		<Panel title={title} note={note}>
			<Loaded of={list}>
				{({ items }) =>
					items.length === 0 ? (
						<Empty>{empty}</Empty>
					) : (
						<DataTable caption={title} name={title} columns={columns} rows={items} rowKey={rowKey} />
					)
				}
			</Loaded>
		</Panel>
	);
}
