/**
 * `views`: the common question to each reporting view, on a database as it is after 30 days with 1,000 bots. With --profile the plan
 * of each goes to bench/views/plans.txt.
 */
import { writeFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { type BenchContext, type Benchmark, type Figure, median } from '../benchmark.ts';
import { createHistory, type Extent } from './history.ts';
import { questions } from './questions.ts';

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
		for (const [view, question] of Object.entries(questions)) {
			figures.push(await measure(context, view, question));
			if (context.isProfiled) plans.push(await explain(context, view, question));
		}
		if (context.isProfiled) await writeFile(plansFile, `${plans.join('\n\n')}\n`);
		return figures;
	},
};

/** The whole way: planning, execution, and the rows as the client has them. */
async function measure({ pool, isQuick }: BenchContext, view: string, question: string): Promise<Figure> {
	const times: number[] = [];
	for (let repeat = 0; repeat <= (isQuick ? 1 : 5); repeat += 1) {
		const begun = performance.now();
		await pool.query(question);
		// The first fills the caches.
		if (repeat > 0) times.push(performance.now() - begun);
	}
	return {
		benchmark: 'views',
		case: view,
		metric: 'answer, median',
		value: median(times),
		unit: 'ms',
		floor: null,
		peers: {},
	};
}

async function explain({ pool }: BenchContext, view: string, question: string): Promise<string> {
	const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`explain (analyze, buffers, costs off) ${question}`);
	const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
	return `== ${view}\n${question.trim().replaceAll(/\s*\n\s*/g, '\n')}\n\n${plan}`;
}
