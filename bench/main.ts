/**
 * `npm run bench`: what botbox needs, beside what the bare tools underneath need for the same work in the same run.
 *
 *     npm run bench                         every benchmark
 *     npm run bench -- cycle --json FILE    one of them, its figures as JSON too
 *     npm run bench -- cycle --size 100000  one of its sizes, or several with commas between
 *     npm run bench -- soak --minutes 5     for so long, where a benchmark goes on for a time
 *     npm run bench -- --database URL       on that server, such as one with TimescaleDB, in databases bench_… that it drops
 *     npm run bench -- cycle --namespaces   each worker process in a network namespace of its own (Linux, root)
 *     npm run bench -- --quick              a trial run; --profile says where the time goes
 */
import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { createPool } from '../src/database/pool.ts';
import type { BenchContext, Benchmark, Figure } from './benchmark.ts';
import { benchmarks } from './registry.ts';
import { type BenchServer, openServer, startBenchServer } from './server.ts';
import { formatTable } from './table.ts';

const usage =
	'usage: npm run bench -- [NAME …] [--size N[,N …]] [--minutes N] [--database URL] [--json FILE] [--namespaces] [--quick] [--profile]';

interface Wanted {
	readonly chosen: readonly Benchmark[];
	readonly sizes: readonly number[] | null;
	readonly minutes: number | null;
	readonly database: string | undefined;
	readonly json: string | undefined;
	readonly isQuick: boolean;
	readonly isProfiled: boolean;
	readonly areApart: boolean;
}

function readArguments(): Wanted {
	const flag = { type: 'boolean', default: false } as const;
	const text = { type: 'string' } as const;
	const { values, positionals } = parseArgs({
		allowPositionals: true,
		options: {
			...{ json: text, size: text, minutes: text, database: text },
			...{ namespaces: flag, quick: flag, profile: flag, help: flag },
		},
	});
	if (values.help) {
		console.log(`${usage}\n\n${listBenchmarks()}`);
		process.exit(0);
	}
	const unknown = positionals.find((name) => !benchmarks.some((benchmark) => benchmark.name === name));
	if (unknown !== undefined) throw new Error(`there is no benchmark ${unknown}; there are:\n${listBenchmarks()}`);
	const chosen = positionals.length === 0 ? benchmarks : benchmarks.filter(({ name }) => positionals.includes(name));
	if (values.namespaces && values.database !== undefined)
		throw new Error('--namespaces needs the server of the benchmark itself, which lets them in');
	if (values.namespaces && process.getuid?.() !== 0) throw new Error('--namespaces needs root, on Linux');
	const sizes = values.size === undefined ? null : readSizes(values.size, chosen);
	const minutes = values.minutes === undefined ? null : Number(values.minutes);
	if (minutes !== null && !(minutes > 0 && minutes <= 10_080))
		throw new Error(
			`--minutes: a number above 0 and at most 10080 was expected, not ${values.minutes}; there are:\n${listBenchmarks()}`,
		);
	return {
		chosen,
		sizes,
		minutes,
		database: values.database,
		json: values.json,
		isQuick: values.quick,
		isProfiled: values.profile,
		areApart: values.namespaces,
	};
}

/** Each of the chosen benchmarks has to know every size: a size that is passed over would look measured. */
function readSizes(text: string, chosen: readonly Benchmark[]): number[] {
	const sizes = text.split(',').map(Number);
	for (const { name, sizes: known = [] } of chosen) {
		const unknown = sizes.find((size) => !known.includes(size));
		if (unknown !== undefined) throw new Error(`${name} has no size ${unknown}; there are:\n${listBenchmarks()}`);
	}
	return sizes;
}

function listBenchmarks(): string {
	const sizesOf = (sizes: readonly number[]) => (sizes.length === 0 ? '' : ` (sizes ${sizes.join(', ')})`);
	return benchmarks.map(({ name, title, sizes = [] }) => `  ${name.padEnd(12)} ${title}${sizesOf(sizes)}`).join('\n');
}

let isInterrupted = false;

async function run({ chosen, sizes, minutes, database, json, isQuick, isProfiled, areApart }: Wanted): Promise<void> {
	const starting =
		database === undefined ? startBenchServer({ isProfiled, isReachable: areApart }) : openServer(database);
	// An orderly end, also while the server starts: one that is killed would go on writing into the folder that is being removed.
	const interrupt = (): void => {
		if (isInterrupted) return;
		isInterrupted = true;
		// Whatever is under way loses its server now, also where a peer's library does not expect it.
		for (const failure of ['uncaughtException', 'unhandledRejection'] as const) process.on(failure, () => {});
		starting.then((server) => server.close()).finally(() => process.exit(130));
	};
	for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
	const server: BenchServer = await starting;
	const context = { sizes, minutes, isQuick, isProfiled, areApart };
	const figures: Figure[] = [];
	const failed: string[] = [];
	try {
		console.log(server.machine);
		for (const benchmark of chosen) {
			try {
				figures.push(...(await runOne(server, benchmark, context)));
			} catch (error) {
				if (isInterrupted) throw error;
				// An hour of the others' figures is not lost for one of them.
				console.error(error);
				failed.push(benchmark.name);
			}
			if (json !== undefined) await writeFile(json, `${JSON.stringify(figures, null, 2)}\n`);
		}
	} finally {
		if (!isInterrupted) await server.close();
	}
	if (failed.length > 0) throw new Error(`failed: ${failed.join(', ')}`);
}

/** One benchmark in a database of its own, which is gone afterwards. */
async function runOne(
	server: BenchServer,
	benchmark: Benchmark,
	context: Pick<BenchContext, 'sizes' | 'minutes' | 'isQuick' | 'isProfiled' | 'areApart'>,
): Promise<readonly Figure[]> {
	console.log(`\n${benchmark.name}: ${benchmark.title}`);
	const busy = loadavg()[0]?.toFixed(1);
	const begun = performance.now();
	const database = `bench_${benchmark.name}`;
	const url = await server.createDatabase(database, { isProfiled: context.isProfiled });
	const pool = createPool({ url, max: 10, applicationName: 'botbox bench' });
	try {
		const log = (line: string) => console.log(`  ${line}`);
		const measured = await benchmark.run({ ...context, pool, url, serverCpuMs: server.cpuMs, log });
		const [told = [], untold = []] = [true, false].map((is) =>
			measured.filter(({ value }) => Number.isFinite(value) === is),
		);
		// Processor time of a server that is not ours, say.
		for (const { case: name, metric } of untold) log(`not measured here: ${name}, ${metric}`);
		// Above zero at the start, others were at work on the machine, and figures are too high.
		console.log(
			`\n${formatTable(told)}\nload of the machine: ${busy} before, ${loadavg()[0]?.toFixed(1)} at the end; ${Math.round((performance.now() - begun) / 1_000)} s`,
		);
		return told;
	} finally {
		await pool.end();
		if (!isInterrupted) await server.dropDatabase(database);
	}
}

let wanted: Wanted;
try {
	wanted = readArguments();
} catch (error) {
	console.error(error instanceof Error ? error.message : String(error));
	console.error(usage);
	process.exit(2);
}
try {
	await run(wanted);
} catch (error) {
	// What failed because of the interruption is not worth a word; its handler ends the process.
	if (!isInterrupted) {
		console.error(error);
		process.exit(1);
	}
}
