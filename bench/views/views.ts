/**
 * `views`: the common question to each reporting view, the same narrowed, and views read whole, on a database as it is after 30 days
 * with 1,000 bots. Each case has the same trivial query as its floor: on a busy machine the ratio says more than the time does. With
 * --profile the plan of each goes to bench/views/plans.txt.
 */
import { writeFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { type BenchContext, type Benchmark, type Figure, median } from '../benchmark.ts';
import { createHistory, type Extent } from './history.ts';
import { narrowed, questions, whole } from './questions.ts';

const extent: Extent = { bots: 1_000, days: 30 };
const quickExtent: Extent = { bots: 50, days: 2 };
const plansFile = new URL('plans.txt', import.meta.url);

export const views: Benchmark = {
	name: 'views',
	title: 'the common question to each view of schema reporting, 1,000 bots after 30 days',
	run: async (context) => {
		const chosen = context.isQuick ? quickExtent : extent;
		await createHistory(context.pool, chosen, context.log);
		const figures: Figure[] = [];
		const plans: string[] = [];
		const cases = {
			...questions,
			...narrowed,
			// "offset 0" keeps the columns from being optimised away; with it each is computed.
			...Object.fromEntries(
				whole.map((view) => [`${view}, whole`, `select count(v) from (select * from reporting.${view} offset 0) v`]),
			),
		};
		const [floor] = await timesOf(context, trivial);
		for (const [name, question] of Object.entries(cases)) {
			const [best = Number.NaN, middle = Number.NaN] = await timesOf(context, question);
			figures.push(figure(name, 'answer, median', middle, floor), figure(name, 'answer, best', best, floor));
			if (context.isProfiled) plans.push(await explain(context, name, question));
		}
		if (context.isProfiled) await writeFile(plansFile, `${plans.join('\n\n')}\n`);
		return figures;
	},
};

/** Some ten milliseconds of counting, in no table. */
const trivial = 'select count(*) from generate_series(1, 100000)';

/** Best and median of the whole way: planning, execution, and the rows as the client has them. */
async function timesOf({ pool, isQuick }: BenchContext, question: string): Promise<[number, number]> {
	const times: number[] = [];
	for (let repeat = 0; repeat <= (isQuick ? 1 : 7); repeat += 1) {
		const begun = performance.now();
		await pool.query(question);
		// The first fills the caches.
		if (repeat > 0) times.push(performance.now() - begun);
	}
	return [Math.min(...times), median(times)];
}

const figure = (name: string, metric: string, value: number, floor: number): Figure => ({
	...{ benchmark: 'views', case: name, metric, value, unit: 'ms', floor },
	peers: {},
});

async function explain({ pool }: BenchContext, view: string, question: string): Promise<string> {
	const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`explain (analyze, buffers, costs off) ${question}`);
	const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
	return `== ${view}\n${question.trim().replaceAll(/\s*\n\s*/g, '\n')}\n\n${plan}`;
}
