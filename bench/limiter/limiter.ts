/**
 * How many grants a second the limiter can hand out when nothing binds it, by one process and by many at once, and how well it
 * uses a limit that does bind. Peers: `rate-limiter-flexible` with its PostgreSQL store; the floor is one row that is updated.
 */
import { measureLimiter } from '../../test/chaos/limiter.ts';
import { type AskerOrders, gatherAskers } from '../../test/chaos/limiter-crowd.ts';
import { type BenchContext, type Benchmark, type Figure, median } from '../benchmark.ts';

const benchmark = 'limiter';
/** Calls of one round trip, as a line of readers asks for them. */
const batch = 20;

export const limiter: Benchmark = {
	name: benchmark,
	title: 'grants per second from 1 to 16 processes, and the use of a limit that binds',
	async run(context) {
		const crowds = context.isQuick ? [2] : [1, 2, 4, 8, 16];
		await prepare(context);
		const figures: Figure[] = [];
		for (const processes of crowds) figures.push(...(await measureThroughput(context, processes)));
		// The rule as it was, for the limit that binds.
		await context.pool.query(
			`update botbox.rate_limit_rules set published_limit = 600 where exchange_id = 'sim' and scope = 'IP'`,
		);
		for (const processes of context.isQuick ? [2] : [1, 8, 16]) figures.push(...(await measureUse(context, processes)));
		return figures;
	},
};

async function prepare({ pool }: BenchContext): Promise<void> {
	await pool.query(`
		create table public.bare_limits (id integer primary key, granted bigint not null) with (fillfactor = 50);
		insert into public.bare_limits values (1, 0);
		create table public.peer_limits (key varchar(255) primary key, points integer not null default 0, expire bigint);
		update botbox.rate_limit_rules set published_limit = 1000000000 where exchange_id = 'sim' and scope = 'IP';
	`);
}

/** Repeats in turns with floor and peer, so that what slows the machine down meets all of them. */
async function measureThroughput(context: BenchContext, processes: number): Promise<Figure[]> {
	const [repeats, seconds] = context.isQuick ? [1, 1] : [3, 3];
	const rates = { floor: [] as number[], peer: [] as number[], one: [] as number[], many: [] as number[] };
	const measure = async (way: AskerOrders['way'], calls = 1): Promise<number> => {
		const reports = await gatherAskers({ url: context.url, way, processes, seconds, calls });
		return reports.reduce((sum, { granted }) => sum + granted, 0) / seconds;
	};
	for (let repeat = 0; repeat < repeats; repeat += 1) {
		rates.floor.push(await measure('row update'));
		rates.peer.push(await measure('rate-limiter-flexible'));
		rates.one.push(await measure('acquire_call'));
		rates.many.push(await measure('acquire_call', batch));
	}
	const [floor, peer] = [median(rates.floor), median(rates.peer)];
	context.log(
		`${processes} processes, grants/s: ${[median(rates.one), median(rates.many), peer, floor].map(Math.round).join(', ')} (one, ${batch} a round trip, rate-limiter-flexible, row update)`,
	);
	const name = processes === 1 ? '1 process' : `${processes} processes`;
	const peers = { 'rate-limiter-flexible': peer };
	const figures = (metric: string, values: readonly number[]): Figure[] => [
		{ benchmark, case: name, metric: `${metric}, median`, value: median(values), unit: '1/s', floor, peers },
		{ benchmark, case: name, metric: `${metric}, slowest`, value: Math.min(...values), unit: '1/s', floor, peers },
		{ benchmark, case: name, metric: `${metric}, fastest`, value: Math.max(...values), unit: '1/s', floor, peers },
	];
	return [...figures('grants, one a round trip', rates.one), ...figures(`grants, ${batch} a round trip`, rates.many)];
}

async function measureUse(context: BenchContext, workers: number): Promise<Figure[]> {
	const seconds = context.isQuick ? 6 : 60;
	const figures = await measureLimiter({ databaseUrl: context.url, workers, seconds, log: context.log });
	const shared = { benchmark, case: `${workers} processes, 600 in 5 s`, floor: null, peers: {} };
	return [
		{ ...shared, metric: 'use of the configured rate', value: (100 * figures.granted) / figures.possible, unit: '%' },
		{ ...shared, metric: 'grants lapsed unused', value: figures.lapsed, unit: 'calls' },
		{ ...shared, metric: `worst window, of ${figures.allowedInWindow}`, value: figures.worstWindow, unit: 'calls' },
		{ ...shared, metric: 'slowest close', value: figures.slowestCloseMs, unit: 'ms' },
	];
}
