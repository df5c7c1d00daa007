/** What a soak says: the first and the last sixth of its samples, five minutes of thirty, and how steep what lies between them is. */
import { type Figure, median } from '../benchmark.ts';
import type { TableSize } from './tables.ts';

export interface Sample {
	/** Since the first cycle. */
	readonly atMs: number;
	readonly cycles: number;
	readonly cycleMs: number;
	/** Resident memory of the worker process. */
	readonly memoryMb: number;
	readonly peakMemoryMb: number;
	/** What V8 holds for its heap, what of it is in use, and buffers outside of it. */
	readonly heapMb: number;
	readonly usedMb: number;
	readonly externalMb: number;
	readonly tables: readonly TableSize[];
	/** In the job table of pg-boss, whatever their state: it has no archive beside it. */
	readonly jobs: number;
	/** Without candles. */
	readonly databaseBytes: number;
}

const benchmark = 'soak';

export interface Soaked {
	readonly samples: readonly Sample[];
	/** The tables at the end, and once they were written anew. */
	readonly ended: readonly TableSize[];
	readonly anew: readonly TableSize[];
}

export function describeSoak({ samples, ended, anew }: Soaked, name: string): readonly Figure[] {
	const share = Math.max(Math.floor(samples.length / 6), 1);
	const [first, last] = [samples.slice(0, share), samples.slice(-share)];
	// Memory and tables have their size after some minutes.
	const later = samples.slice(Math.floor(samples.length / 2));
	const figure = (what: string, metric: string, value: number, unit: string): Figure => {
		return { benchmark, case: what, metric, value, unit, floor: null, peers: {} };
	};
	const both = (metric: string, pick: (sample: Sample) => number, unit: string): Figure[] => [
		figure(name, `${metric}, first sixth`, median(first.map(pick)), unit),
		figure(name, `${metric}, last sixth`, median(last.map(pick)), unit),
	];
	return [
		figure(name, 'cycles', samples.at(-1)?.cycles ?? 0, ''),
		...both('cycle', ({ cycleMs }) => cycleMs, 'ms'),
		...both('memory of the worker', ({ memoryMb }) => memoryMb, 'MiB'),
		figure(name, 'memory of the worker, peak', Math.max(...samples.map(({ peakMemoryMb }) => peakMemoryMb)), 'MiB'),
		figure(
			name,
			'memory of the worker, slope of the second half',
			slope(later, ({ memoryMb }) => memoryMb),
			'MiB/h',
		),
		...both('its heap', ({ heapMb }) => heapMb, 'MiB'),
		...both('its heap in use', ({ usedMb }) => usedMb, 'MiB'),
		...both('its buffers outside of the heap', ({ externalMb }) => externalMb, 'MiB'),
		...both('rows of the job table', ({ jobs }) => jobs, 'rows'),
		...both('database without candles', ({ databaseBytes }) => databaseBytes / 2 ** 20, 'MiB'),
		...ended.flatMap((end) => describeTable(end, anew, { first, last }, figure)),
	];
}

function describeTable(
	end: TableSize,
	rewritten: readonly TableSize[],
	{ first, last }: { readonly first: readonly Sample[]; readonly last: readonly Sample[] },
	figure: (what: string, metric: string, value: number, unit: string) => Figure,
): Figure[] {
	const of = (part: readonly Sample[], pick: (size: TableSize) => number) =>
		median(part.flatMap(({ tables }) => tables.filter(({ name }) => name === end.name).map(pick)));
	const anew = rewritten.find(({ name }) => name === end.name) ?? end;
	const mebibytes = (bytes: number) => bytes / 2 ** 20;
	const sizes = (what: string, pick: (size: TableSize) => number): Figure[] => [
		figure(end.name, `${what}, first sixth`, mebibytes(of(first, pick)), 'MiB'),
		figure(end.name, `${what}, last sixth`, mebibytes(of(last, pick)), 'MiB'),
		figure(end.name, `${what}, at the end, of it bloat`, mebibytes(pick(end) - pick(anew)), 'MiB'),
	];
	return [
		...sizes('table', ({ tableBytes }) => tableBytes),
		...sizes('indexes', ({ indexBytes }) => indexBytes),
		figure(
			end.name,
			'dead rows, last sixth',
			of(last, ({ deadRows }) => deadRows),
			'rows',
		),
	];
}

/** Least squares, per hour. */
function slope(samples: readonly Sample[], pick: (sample: Sample) => number): number {
	const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
	const [x, y] = [mean(samples.map(({ atMs }) => atMs)), mean(samples.map(pick))];
	const above = samples.reduce((sum, sample) => sum + (sample.atMs - x) * (pick(sample) - y), 0);
	const below = samples.reduce((sum, sample) => sum + (sample.atMs - x) ** 2, 0);
	return (3_600_000 * above) / below;
}
