/**
 * 20 bots of one account that all want to enter at once, for room that suffices for some of them: rounds, each decided by as many
 * workers as there are, held up at an advisory lock and let go in the same moment.
 */
import { setAccountLimits } from '../../src/database/functions/administration.ts';
import { recordChecks } from '../../src/database/functions/checks.ts';
import { expireTrades } from '../../src/database/functions/trades.ts';
import type { Pool } from '../../src/database/pool.ts';
import { checkOf } from './factories/evaluated-checks.ts';
import { after, type Bot, makeBot, makeWorld } from './factories/world.ts';

export const racerId = 'racer';
const gateKey = 7;
const roundSeconds = 300;

/** What one worker decides in a round: the bots whose checks it records in one batch. */
export interface RaceShare {
	readonly bots: readonly Bot[];
	readonly round: number;
}

/** Records the checks of its share, on a connection of its own, once the gate opens; answers the reasons. */
export async function runShare(pool: Pool, { bots, round }: RaceShare): Promise<string[]> {
	const now = after(round * roundSeconds);
	const client = await pool.connect();
	try {
		await client.query('select pg_advisory_lock_shared($1)', [gateKey]);
		try {
			const checks = bots.map((bot) => checkOf(bot, now, { kind: 'MANUAL', decision: 'LONG' }));
			return (await recordChecks(client, { checks, workerId: racerId, now })).map(({ reasonCode }) => reasonCode);
		} finally {
			await client.query('select pg_advisory_unlock_shared($1)', [gateKey]);
		}
	} finally {
		client.release();
	}
}

export interface Race {
	/** One round; how often each reason came. */
	run(round: number): Promise<Record<string, number>>;
}

export interface RaceOptions {
	readonly pool: Pool;
	readonly workers: number;
	readonly maxPositions?: number | undefined;
	/** An entry of a bot commits 1,001 of it. */
	readonly capital: number;
	readonly limits?: Record<string, unknown>;
	/** Where a worker runs; by default each on a connection of `pool`, which needs one more than there are workers. */
	readonly work?: (worker: number, share: RaceShare) => Promise<string[]>;
}

export async function prepareRace(options: RaceOptions): Promise<Race> {
	const { pool, workers, maxPositions, capital, limits, work = (_, share) => runShare(pool, share) } = options;
	const world = await makeWorld(pool, {
		account: { capital, ...(maxPositions === undefined ? {} : { maxPositions }) },
	});
	if (limits !== undefined) await setAccountLimits(pool, { accountId: world.accountId, limits });
	const bots: Bot[] = [];
	for (let index = 0; index < 20; index += 1) bots.push(await makeBot(pool, world));
	const run = async (round: number): Promise<Record<string, number>> => {
		// What the round before took is free again.
		await expireTrades(pool, { now: after(round * roundSeconds) });
		await pool.query('update botbox.bots set claimed_by = $1, claimed_until = $2 where account_id = $3', [
			racerId,
			after(round * roundSeconds + 30),
			world.accountId,
		]);
		const gate = await pool.connect();
		try {
			await gate.query('select pg_advisory_lock($1)', [gateKey]);
			const reasons = Array.from({ length: workers }, (_, worker) =>
				work(worker, { round, bots: bots.filter((_bot, index) => (index + round) % workers === worker) }),
			);
			await untilWaiting(gate, workers);
			await gate.query('select pg_advisory_unlock($1)', [gateKey]);
			const counts: Record<string, number> = {};
			for (const reason of (await Promise.all(reasons)).flat()) counts[reason] = (counts[reason] ?? 0) + 1;
			return counts;
		} finally {
			gate.release();
		}
	};
	return { run };
}

async function untilWaiting(db: Pick<Pool, 'query'>, count: number): Promise<void> {
	for (;;) {
		const { rows } = await db.query<{ waiting: number }>(`
			select count(*) as waiting from pg_locks
			where locktype = 'advisory' and not granted
			and database = (select oid from pg_database where datname = current_database())`);
		if (Number(rows[0]?.waiting) === count) return;
	}
}
