/** Figures as a table, for people and for RESULTS.md. */
import { type Figure, rounded } from './benchmark.ts';

export function formatTable(figures: readonly Figure[]): string {
	const peers = [...new Set(figures.flatMap((figure) => Object.keys(figure.peers)))];
	const head = ['case', 'metric', 'value', 'unit', 'floor', 'ratio', ...peers];
	const rows = figures.map((figure) => [
		figure.case,
		figure.metric,
		String(rounded(figure.value)),
		figure.unit,
		figure.floor === null ? '' : String(rounded(figure.floor)),
		figure.floor === null ? '' : (figure.value / figure.floor).toFixed(2),
		...peers.map((peer) => (figure.peers[peer] === undefined ? '' : String(rounded(figure.peers[peer])))),
	]);
	const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)));
	const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
	return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n');
}
