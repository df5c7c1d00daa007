/**
 * `queue`: how many trades 1 to 16 executors claim and complete in a second, beside graphile-worker, pg-boss and a bare SKIP LOCKED
 * statement with as many jobs; and how long an accepted signal takes to become an acknowledged order.
 */
import { performance } from 'node:perf_hooks';
import { type BenchContext, type Benchmark, type Figure, median } from '../benchmark.ts';
import { type Contender, prepareContenders } from './contenders.ts';
import { measureAcknowledgement } from './latency.ts';

const jobs = 2_000;
const quickJobs = 200;

export const queue: Benchmark = {
	name: 'queue',
	title: 'claims and completions of trades by 1 to 16 executors; signal to acknowledged order',
	run: async (context) => {
		const [count, executors, repeats] = context.isQuick ? [quickJobs, [1, 4], 1] : [jobs, [1, 2, 4, 8, 16], 3];
		const contenders = await prepareContenders(context, count);
		const figures: Figure[] = [];
		try {
			for (const number of executors) figures.push(await race(context, contenders, number, count, repeats));
		} finally {
			for (const { close } of contenders) await close();
		}
		return [...figures, ...(await measureAcknowledgement(context))];
	},
};

/** All in turns, so that a busy moment of the machine meets each alike. */
async function race(
	context: BenchContext,
	contenders: readonly Contender[],
	executors: number,
	count: number,
	repeats: number,
): Promise<Figure> {
	const rates = new Map<string, number[]>();
	for (let repeat = 0; repeat <= repeats; repeat += 1) {
		for (const contender of contenders) {
			await contender.fill();
			const begun = performance.now();
			const done = await contender.drain(executors);
			const perSecond = done / ((performance.now() - begun) / 1_000);
			if (done !== count) throw new Error(`${contender.name} completed ${done} of ${count}`);
			// The first round warms up.
			if (repeat > 0) rates.set(contender.name, [...(rates.get(contender.name) ?? []), perSecond]);
		}
	}
	const value = (name: string) => median(rates.get(name) ?? []);
	const names = contenders.map(({ name }) => name).filter((name) => name !== 'botbox' && name !== 'bare');
	context.log(
		`${executors} executors: ${[...rates.keys()].map((name) => `${name} ${value(name).toFixed(0)}/s`).join(', ')}`,
	);
	return {
		benchmark: 'queue',
		case: `${executors} executor${executors === 1 ? '' : 's'}`,
		metric: 'claimed and completed, median',
		value: value('botbox'),
		unit: '1/s',
		floor: value('bare'),
		peers: Object.fromEntries(names.map((name) => [name, value(name)])),
	};
}
