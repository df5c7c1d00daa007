/** What a benchmark is, and the figures it answers with. One benchmark is one file; registry.ts lists them. */
import type { Pool } from '../src/database/pool.ts';

/** One measured figure; an element of the file that `--json` writes. */
export interface Figure {
	readonly benchmark: string;
	readonly case: string;
	readonly metric: string;
	readonly value: number;
	readonly unit: string;
	/** What the bare tools underneath need for the same work in the same run; null where there is no such thing. */
	readonly floor: number | null;
	/** The same work done by others, by name. */
	readonly peers: Readonly<Record<string, number>>;
}

export interface BenchContext {
	/** A migrated database of the benchmark's own, on the embedded server with the shipped settings. */
	readonly pool: Pool;
	readonly url: string;
	/** Processor time of the server's processes until now, milliseconds; NaN where the system does not tell (it is read from /proc). */
	readonly serverCpuMs: () => number;
	/** Fewer cases and repeats: shows that the benchmark works, measures little. */
	readonly isQuick: boolean;
	/** The sizes asked for, out of the benchmark's own; null: those that it chooses. */
	readonly sizes: readonly number[] | null;
	/** How long, for those that go on for a time; null: as long as it chooses. */
	readonly minutes: number | null;
	/** Says where the time went. */
	readonly isProfiled: boolean;
	/** Whether worker processes run in network namespaces of their own. */
	readonly areApart: boolean;
	/** Progress, for people. */
	readonly log: (line: string) => void;
}

export interface Benchmark {
	readonly name: string;
	/** One line: what is measured. */
	readonly title: string;
	/** Sizes that `--size` can choose from, in bots, if the benchmark has several. */
	readonly sizes?: readonly number[];
	run(context: BenchContext): Promise<readonly Figure[]>;
}

export function median(values: readonly number[]): number {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = Math.floor(sorted.length / 2);
	const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
	return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}

/** The value that the given share of all is at most; nearest rank. */
export function percentile(values: readonly number[], share: number): number {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)] ?? Number.NaN;
}

/** Three significant digits: more would be noise. */
export function rounded(value: number): number {
	return Number.isFinite(value) ? Number(value.toPrecision(3)) : value;
}
