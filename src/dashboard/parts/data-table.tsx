/** The one table of the page: fixed columns, sortable headers, rows drawn as they come into view. */
import { type ReactNode, useMemo, useRef } from 'react';
import { useKept } from './kept.ts';
import { useIsPhone } from './media.ts';
import { useRowWindow } from './window.ts';

export interface Column<Row> {
	readonly key: string;
	readonly title: ReactNode;
	readonly cell: (row: Row) => ReactNode;
	/** Pixels; a column without takes what remains, but not less than `atLeast`. */
	readonly width?: number;
	readonly atLeast?: number;
	/** Instead of `width` on a phone, so that what matters most of a row is seen without scrolling. */
	readonly phoneWidth?: number;
	readonly isNumber?: boolean;
	/** Makes the column sortable; null comes last either way. */
	readonly sort?: (row: Row) => string | number | null;
	/** Not shown on a phone. */
	readonly isWide?: boolean;
	/** Shown on a phone only: what its narrow row has room for at its end. */
	readonly isPhoneOnly?: boolean;
	/** Holds a control, no text: the row is named by the column after it. */
	readonly isPlain?: boolean;
	/** The whole text, where the cell may be too narrow for it. */
	readonly hint?: (row: Row) => string | null;
}

interface Sorting {
	readonly key: string;
	readonly isDescending: boolean;
}

interface DataTableProps<Row> {
	readonly caption: string;
	/** Names the table where its order is kept. */
	readonly name: string;
	readonly columns: readonly Column<Row>[];
	readonly rows: readonly Row[];
	readonly rowKey: (row: Row) => string | number;
	readonly isSelected?: (row: Row) => boolean;
	readonly className?: string;
}

const rowHeight = 32;

export function DataTable<Row>({
	caption,
	name,
	columns,
	rows,
	rowKey,
	isSelected,
	className = '',
}: DataTableProps<Row>) {
	const container = useRef<HTMLElement>(null);
	const isPhone = useIsPhone();
	const shown = useMemo(
		() => (isPhone ? forPhone(columns) : columns.filter(({ isPhoneOnly }) => isPhoneOnly !== true)),
		[isPhone, columns],
	);
	const naming = shown.find(({ isPlain }) => isPlain !== true);
	const [sorting, setSorting] = useKept<Sorting | null>(`sorting ${name}`, null);
	const sorted = useMemo(() => sortRows(rows, columns, sorting), [rows, columns, sorting]);
	const { from, until } = useRowWindow(container, sorted.length, rowHeight);
	const sortBy = (next: Sorting | null): void => {
		setSorting(next);
		// What one sorted for comes first: one wants to see it.
		container.current?.scrollTo({ top: 0 });
	};
	const minWidth = shown.reduce((sum, column) => sum + (column.width ?? column.atLeast ?? 120), 0);
	return (
		// Keyboard users scroll a region only once it has the focus.
		// biome-ignore lint/a11y/noNoninteractiveTabindex: see above
		<section className={`table ${className}`} ref={container} tabIndex={0} aria-label={`${caption}: table`}>
			<table style={{ minWidth }} aria-rowcount={sorted.length + 1}>
				<caption className="hidden">{caption}</caption>
				<thead>
					<tr aria-rowindex={1}>
						{shown.map((column) => (
							<Header key={column.key} column={column} sorting={sorting} onSort={sortBy} />
						))}
					</tr>
				</thead>
				<tbody>
					<Space rows={from} columns={shown.length} />
					{sorted.slice(from, until).map((row, i) => (
						<tr key={rowKey(row)} aria-rowindex={from + i + 2} className={isSelected?.(row) ? 'selected' : undefined}>
							{shown.map((column) => (
								<Cell key={column.key} column={column} row={row} isFirst={column === naming} />
							))}
						</tr>
					))}
					<Space rows={sorted.length - until} columns={shown.length} />
				</tbody>
			</table>
		</section>
	);
}

function forPhone<Row>(columns: readonly Column<Row>[]): readonly Column<Row>[] {
	return columns
		.filter(({ isWide }) => isWide !== true)
		.map((column) => (column.phoneWidth === undefined ? column : { ...column, width: column.phoneWidth }));
}

function Cell<Row>({
	column,
	row,
	isFirst,
}: {
	readonly column: Column<Row>;
	readonly row: Row;
	readonly isFirst: boolean;
}) {
	const className = column.isNumber ? 'number' : undefined;
	const title = column.hint?.(row) ?? undefined;
	return isFirst ? (
		<th scope="row" className={className} title={title}>
			{column.cell(row)}
		</th>
	) : (
		<td className={className} title={title}>
			{column.cell(row)}
		</td>
	);
}

interface HeaderProps<Row> {
	readonly column: Column<Row>;
	readonly sorting: Sorting | null;
	readonly onSort: (sorting: Sorting | null) => void;
}

function Header<Row>({ column, sorting, onSort }: HeaderProps<Row>) {
	const isSorted = sorting?.key === column.key;
	const next = !isSorted
		? { key: column.key, isDescending: column.isNumber === true }
		: sorting.isDescending === (column.isNumber === true)
			? { key: column.key, isDescending: !sorting.isDescending }
			: null;
	return (
		<th
			scope="col"
			className={column.isNumber ? 'number' : undefined}
			style={column.width === undefined ? undefined : { width: column.width }}
			aria-sort={isSorted ? (sorting.isDescending ? 'descending' : 'ascending') : undefined}
		>
			{column.sort === undefined ? (
				column.title
			) : (
				<button type="button" onClick={() => onSort(next)}>
					{column.title}
					<span className="arrow" aria-hidden="true">
						{isSorted ? (sorting.isDescending ? '↓' : '↑') : ''}
					</span>
				</button>
			)}
		</th>
	);
}

/** Stands for the rows that are out of view. */
function Space({ rows, columns }: { readonly rows: number; readonly columns: number }) {
	if (rows <= 0) return null;
	return (
		<tr className="space">
			<td colSpan={columns} style={{ height: rows * rowHeight }} />
		</tr>
	);
}

function sortRows<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sorting: Sorting | null): readonly Row[] {
	const sort = columns.find(({ key }) => key === sorting?.key)?.sort;
	if (sorting === null || sort === undefined) return rows;
	const order = sorting.isDescending ? -1 : 1;
	return rows
		.map((row) => ({ row, value: sort(row) }))
		.sort((a, b) => {
			if (a.value === null || b.value === null) return Number(a.value === null) - Number(b.value === null);
			if (a.value === b.value) return 0;
			if (typeof a.value === 'string' && typeof b.value === 'string')
				return order * a.value.localeCompare(b.value, 'en');
			return a.value < b.value ? -order : order;
		})
		.map(({ row }) => row);
}
