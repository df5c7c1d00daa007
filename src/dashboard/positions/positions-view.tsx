/** Positions of all bots, open and closed. */
import { useLongList, useOverview } from '../api/queries.ts';
import type { Position } from '../api/rows.ts';
import { useMayChange } from '../api/session.ts';
import { positionHistoryColumns } from '../bot/position-history.tsx';
import { FlattenButton } from '../controls/controls.tsx';
import * as numbers from '../format/numbers.ts';
import { botColumn, positionColumns, symbolColumn } from '../overview/columns.tsx';
import { Choice } from '../parts/choice.tsx';
import { LongListPanel } from '../parts/long-list.tsx';
import { ViewHead } from '../parts/panel.tsx';
import { useFilter } from '../route.ts';

const closedColumns = [botColumn<Position>(), ...positionHistoryColumns.filter(({ key }) => key !== 'status')].flatMap(
	(column) => (column.key === 'direction' ? [column, symbolColumn] : column.key === 'symbol' ? [] : [column]),
);
const statuses = [
	['', 'Open'],
	['CLOSED', 'Closed'],
] as const;
const positionKey = (row: Position): number => row.position_id;

export function PositionsView() {
	const mayChange = useMayChange();
	const { data: overview } = useOverview();
	const [status, setStatus] = useFilter('status');
	const list = useLongList<Position>('positions', { status: status === 'CLOSED' ? status : 'OPEN' });
	return (
		<>
			<ViewHead
				title="Positions"
				note={overview === undefined ? undefined : `${numbers.count(overview.open_positions)} open`}
			>
				{!mayChange ? undefined : (
					<FlattenButton subject={{ scope: 'ALL' }} name="all bots" positions={overview?.open_positions} />
				)}
			</ViewHead>
			<LongListPanel
				title={status === 'CLOSED' ? 'Closed positions' : 'Open positions'}
				name={status === 'CLOSED' ? 'positions closed' : 'positions'}
				list={list}
				columns={status === 'CLOSED' ? closedColumns : positionColumns}
				rowKey={positionKey}
				empty={status === 'CLOSED' ? 'No position was closed yet.' : 'No position is open.'}
				filters={<Choice legend="Status" options={statuses} value={status} onChange={setStatus} />}
			/>
		</>
	);
}
