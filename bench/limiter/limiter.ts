/**
 * How many grants a second the limiter can hand out when nothing binds it, by one process and by many at once, and how well it
 * uses a limit that does bind. Peers: `rate-limiter-flexible` with its PostgreSQL store; the floor is one row that is updated.
 */
import { measureLimiter } from '../../test/chaos/limiter.ts';
import { type AskerOrders, gatherAskers } from '../../test/chaos/limiter-crowd.ts';
import type { BenchContext, Benchmark, Figure } from '../benchmark.ts';

const benchmark = 'limiter';
/** Calls of one round trip, as a line of readers asks for them. */
const batch = 20;

export const limiter: Benchmark = {
	name: benchmark,
	title: 'grants per second from 1 to 16 processes, and the use of a limit that binds',
	async run(context) {
		const crowds = context.isQuick ? [1, 4] : [1, 2, 4, 8, 16];
		await prepare(context);
		const figures: Figure[] = [];
		for (const processes of crowds) figures.push(...(await measureThroughput(context, processes)));
		// The rule as it was, for the limit that binds.
		await context.pool.query(
			`update botbox.rate_limit_rules set published_limit = 600 where exchange_id = 'sim' and scope = 'IP'`,
		);
		for (const processes of context.isQuick ? [4] : [1, 8]) figures.push(...(await measureUse(context, processes)));
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

async function measureThroughput(context: BenchContext, processes: number): Promise<Figure[]> {
	const seconds = context.isQuick ? 2 : 5;
	const rate = async (way: AskerOrders['way'], calls = 1): Promise<number> => {
		const reports = await gatherAskers({ url: context.url, way, processes, seconds, calls });
		const perSecond = reports.reduce((sum, { granted }) => sum + granted, 0) / seconds;
		context.log(`${processes} processes, ${way}${calls > 1 ? ` of ${calls}` : ''}: ${Math.round(perSecond)} grants/s`);
		return perSecond;
	};
	const name = processes === 1 ? '1 process' : `${processes} processes`;
	const floor = await rate('row update');
	const peers = { 'rate-limiter-flexible': await rate('rate-limiter-flexible') };
	const one = await rate('acquire_call');
	const many = await rate('acquire_call', batch);
	const shared = { benchmark, case: name, unit: '1/s', floor, peers };
	return [
		{ ...shared, metric: 'grants, one a round trip', value: one },
		{ ...shared, metric: `grants, ${batch} a round trip`, value: many },
	];
}

async function measureUse(context: BenchContext, workers: number): Promise<Figure[]> {
	const seconds = context.isQuick ? 10 : 60;
	const figures = await measureLimiter({ databaseUrl: context.url, workers, seconds, log: context.log });
	const shared = { benchmark, case: `${workers} processes, 600 in 5 s`, floor: null, peers: {} };
	return [
		{ ...shared, metric: 'use of the configured rate', value: (100 * figures.granted) / figures.possible, unit: '%' },
		{ ...shared, metric: 'grants lapsed unused', value: figures.lapsed, unit: 'calls' },
		{ ...shared, metric: `worst window, of ${figures.allowedInWindow}`, value: figures.worstWindow, unit: 'calls' },
		{ ...shared, metric: 'slowest close', value: figures.slowestCloseMs, unit: 'ms' },
	];
}
