/** How commands print: JSON for programs, tables that fit the terminal for people. */

export type Cell = string | number | boolean | Date | null | undefined;

/** One JSON value on stdout. */
export function printJson(value: unknown): void {
	process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Of a terminal that does not say how wide it is. */
const usualWidth = 100;
/** A column that is shortened keeps this much of its text, or its header if that is longer. */
const leastText = 8;

/**
 * Columns by name, the most important first; figures to the right, text to the left. On a terminal that is too narrow the last
 * columns are shortened and, where that is not enough, left out; the first text, which names the row, is whole, and so is every
 * cell wherever else the table goes: `grep` must find a name.
 */
export function printTable<T extends Readonly<Record<string, Cell>>>(
	rows: readonly T[],
	columns: readonly (keyof T & string)[],
): void {
	const header = columns.map((column) => column.replaceAll('_', ' '));
	const cells = rows.map((row) => columns.map((column) => formatCell(row[column])));
	const natural = columns.map((_, i) => Math.max(header[i]?.length ?? 0, ...cells.map((row) => row[i]?.length ?? 0)));
	const isFigure = columns.map(
		(column) =>
			rows.some((row) => isNumeric(row[column])) && rows.every((row) => row[column] == null || isNumeric(row[column])),
	);
	const room = process.stdout.isTTY ? (process.stdout.columns ?? usualWidth) : Number.POSITIVE_INFINITY;
	const widths = fitWidths(natural, header, isFigure, room);
	const line = (row: readonly string[]): string =>
		widths
			.map((width, i) => {
				const cell = row[i] ?? '';
				const cut = cell.length > width ? `${cell.slice(0, width - 1)}…` : cell;
				return isFigure[i] ? cut.padStart(width) : cut.padEnd(width);
			})
			.join('  ')
			.trimEnd();
	process.stdout.write(`${line(header)}\n`);
	for (const row of cells) process.stdout.write(`${line(row)}\n`);
	if (rows.length === 0) process.stdout.write('(none)\n');
}

/** The widths of as many columns as there is room for: text is shortened from the last column on before columns are left out. */
function fitWidths(
	natural: readonly number[],
	header: readonly string[],
	isFigure: readonly boolean[],
	room: number,
): number[] {
	const first = isFigure.indexOf(false);
	const widths = [...natural];
	const excess = () => sum(widths) + 2 * (widths.length - 1) - room;
	for (let i = widths.length - 1; i > first && excess() > 0; i--) {
		const width = widths[i] ?? 0;
		// A figure without its last digits is another figure.
		const least = isFigure[i] ? width : Math.min(width, Math.max(leastText, header[i]?.length ?? 0));
		widths[i] = Math.max(least, width - excess());
	}
	while (widths.length > Math.max(first + 1, 1) && excess() > 0) widths.pop();
	// What the columns that were left out no longer need.
	for (let i = 0; i < widths.length; i++) {
		const width = widths[i] ?? 0;
		widths[i] = Math.min(natural[i] ?? width, width + Math.max(-excess(), 0));
	}
	return widths;
}

/** `name  value` lines; names as they are `'written'` in the code, or as words. */
export function printFacts(facts: Readonly<Record<string, Cell>>, names: 'words' | 'written' = 'words'): void {
	const width = Math.max(...Object.keys(facts).map((name) => name.length));
	for (const [name, value] of Object.entries(facts)) {
		const shown = names === 'written' ? name : name.replaceAll('_', ' ');
		process.stdout.write(`${shown.padEnd(width)}  ${formatCell(value)}\n`);
	}
}

function sum(values: readonly number[]): number {
	return values.reduce((total, value) => total + value, 0);
}

function isNumeric(cell: Cell): boolean {
	return typeof cell === 'number' || (typeof cell === 'string' && /^-?\d+(\.\d+)?$/.test(cell));
}

export function formatCell(cell: Cell): string {
	if (cell === null || cell === undefined) return '-';
	if (cell instanceof Date) return cell.toISOString().slice(0, 19).replace('T', ' ');
	if (typeof cell === 'number') return Number.isInteger(cell) ? String(cell) : trimFigure(figure(cell));
	if (typeof cell === 'string' && /^-?\d+\.\d{5,}$/.test(cell)) return trimFigure(significant(cell));
	return String(cell);
}

/** Four decimals; more where a small one, such as a funding rate or the ATR of a cheap coin, would lose its digits. */
function figure(value: number): string {
	const decimals = value === 0 ? 0 : 3 - Math.floor(Math.log10(Math.abs(value)));
	return value.toFixed(Math.min(Math.max(decimals, 4), 12));
}

/** Decimal text to about six significant digits, for reading only. */
function significant(text: string): string {
	const value = Number(text);
	const decimals = Math.min(Math.max(5 - Math.floor(Math.log10(Math.abs(value) || 1)), 0), 12);
	return value.toFixed(decimals);
}

function trimFigure(text: string): string {
	return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
