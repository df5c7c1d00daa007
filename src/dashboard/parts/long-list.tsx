/** A view's list: filters above, as many pages of rows as one asks for. */
import { type ReactNode, useMemo } from 'react';
import type { LongList, Page } from '../api/queries.ts';
import * as numbers from '../format/numbers.ts';
import { type Column, DataTable } from './data-table.tsx';
import { Empty, Loaded, Panel } from './panel.tsx';

interface LongListPanelProps<Row> {
	readonly title: string;
	/** Names the table where its order is kept. */
	readonly name: string;
	readonly list: LongList<Row>;
	readonly columns: readonly Column<Row>[];
	readonly rowKey: (row: Row) => string | number;
	readonly empty: ReactNode;
	readonly filters?: ReactNode;
	readonly className?: string;
}

export function LongListPanel<Row>(props: LongListPanelProps<Row>) {
	const { title, name, list, columns, rowKey, empty, filters, className = 'tall' } = props;
	const items = useMemo(() => uniqueRows(list.data?.pages ?? [], rowKey), [list.data, rowKey]);
	const note = list.data === undefined ? undefined : countNote(items.length, list.hasNextPage);
	return (
		<Panel title={title} note={note} tools={filters} className={className}>
			<Loaded of={list}>
				{() =>
					items.length === 0 ? (
						<Empty>{empty}</Empty>
					) : (
						<>
							<DataTable caption={title} name={name} className="fill" columns={columns} rows={items} rowKey={rowKey} />
							{list.hasNextPage ? (
								<div className="older">
									<button type="button" disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
										{list.isFetchingNextPage ? 'Loading …' : 'Show older'}
									</button>
								</div>
							) : null}
						</>
					)
				}
			</Loaded>
		</Panel>
	);
}

/** A row that moved to another page between two requests is shown once. */
function uniqueRows<Row>(pages: readonly Page<Row>[], rowKey: (row: Row) => string | number): readonly Row[] {
	const byKey = new Map<string | number, Row>();
	for (const { items } of pages) for (const row of items) if (!byKey.has(rowKey(row))) byKey.set(rowKey(row), row);
	return [...byKey.values()];
}

const countNote = (shown: number, hasMore: boolean): string =>
	hasMore ? `latest ${numbers.count(shown)}` : numbers.count(shown);
