/**
 * `queue`: how many trades 1 to 16 executors claim and complete in a second, beside graphile-worker, pg-boss and a bare SKIP LOCKED
 * statement with as many jobs; and how long an accepted signal takes to become an acknowledged order.
 */
import { performance } from 'node:perf_hooks';
import { type BenchContext, type Benchmark, type Figure, median } from '../benchmark.ts';
import { takeFunctionTimes } from '../cycle/profile.ts';
import { type Contender, prepareContenders } from './contenders.ts';
import { measureAcknowledgement } from './latency.ts';

/** Trades that wait at the beginning, of as many bots; what a claim costs should not depend on it. */
const sizes = [500, 2_000, 5_000, 20_000] as const;
const usual = 2_000;
const quickJobs = 200;

export const queue: Benchmark = {
	name: 'queue',
	title: 'claims and completions of trades by 1 to 16 executors; signal to acknowledged order',
	sizes,
	run: async (context) => {
		const counts = context.sizes ?? [context.isQuick ? quickJobs : usual];
		const [executors, repeats] = context.isQuick ? [[1, 4], 1] : [[1, 2, 4, 8, 16], 3];
		const contenders = await prepareContenders(context, Math.max(...counts));
		const figures: Figure[] = [];
		try {
			for (const count of counts)
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
			await contender.fill(count);
			if (context.isProfiled) await takeFunctionTimes(context.pool);
			const begun = performance.now();
			const done = await contender.drain(executors);
			const perSecond = done / ((performance.now() - begun) / 1_000);
			if (done !== count) throw new Error(`${contender.name} completed ${done} of ${count}`);
			// The first round warms up.
			if (repeat > 0) rates.set(contender.name, [...(rates.get(contender.name) ?? []), perSecond]);
			if (context.isProfiled && repeat === repeats && contender.name === 'botbox')
				for (const line of await takeFunctionTimes(context.pool)) context.log(line);
		}
	}
	const value = (name: string) => median(rates.get(name) ?? []);
	const names = contenders.map(({ name }) => name).filter((name) => name !== 'botbox' && name !== 'bare');
	context.log(
		`${count} waiting, ${executors} executors: ${[...rates.keys()].map((name) => `${name} ${value(name).toFixed(0)}/s`).join(', ')}`,
	);
	return {
		benchmark: 'queue',
		case: `${count} waiting, ${executors} executor${executors === 1 ? '' : 's'}`,
		metric: 'claimed and completed, median',
		value: value('botbox'),
		unit: '1/s',
		floor: value('bare'),
		peers: Object.fromEntries(names.map((name) => [name, value(name)])),
	};
}
