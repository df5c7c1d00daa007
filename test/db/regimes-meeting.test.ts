/** Batches of two workers that meet at the regimes of their markets: whoever is second waits, nobody waits in a circle, no row is lost or doubled. */
import type { PoolClient } from 'pg';
import { expect, test } from 'vitest';
import { claimChecks, recordChecks } from '../../src/database/functions/checks.ts';
import { checkOf } from '../support/factories/evaluated-checks.ts';
import { after, type Bot, makeBot, makeFeedFresh, makeWorld, start } from '../support/factories/world.ts';
import { openBooks } from './books.ts';

const books = openBooks();

interface Batch {
	readonly worker: string;
	/** One on each of two markets. */
	readonly bots: readonly Bot[];
}

/** Two workers with a claimed check on each of two markets, on accounts of their own so that they meet at the regimes only. */
async function twoBatches(): Promise<readonly [Batch, Batch]> {
	const worlds = [await makeWorld(books.pool), await makeWorld(books.pool)];
	const batches = [];
	for (const worker of ['worker-1', 'worker-2']) {
		const own = await makeWorld(books.pool);
		const bots = [];
		for (const { instrument } of worlds) {
			const bot = await makeBot(books.pool, { ...own, instrument }, { isDueAtOnce: true });
			await makeFeedFresh(books.pool, instrument.id, after(86_400));
			bots.push(bot);
		}
		const jobs = bots.map(({ id }) => ({ bot_id: id, due_at: start.toISOString() }));
		const claims = await claimChecks(books.pool, { jobs, workerId: worker, waitMs: 0, now: start });
		expect(claims.map(({ verdict }) => verdict)).toEqual(['CLAIMED', 'CLAIMED']);
		batches.push({ worker, bots });
	}
	return batches as unknown as readonly [Batch, Batch];
}

/** Records a batch with an entry each; `figures` are what its regimes are told by, {} where another check of the market tells them. */
const record = (db: PoolClient, { worker, bots }: Batch, figures: Record<string, number>, isReversed = false) => {
	const checks = bots.map((bot) => ({ ...checkOf(bot, start, { decision: 'LONG' }), regime_figures: figures }));
	return recordChecks(db, { checks: isReversed ? checks.toReversed() : checks, workerId: worker, now: after(1) });
};

/** Connections, each in a transaction of its own; a wait that should not be ends as an error. */
async function withClients(count: number, act: (clients: readonly PoolClient[]) => Promise<void>): Promise<void> {
	const clients = await Promise.all(Array.from({ length: count }, () => books.pool.connect()));
	try {
		for (const client of clients) await client.query(`begin; set local lock_timeout = '30s'`);
		await act(clients);
	} finally {
		for (const client of clients) {
			await client.query('rollback').catch(() => undefined);
			client.release();
		}
	}
}

/** Answers once the connection waits for a lock of another. */
async function untilWaiting(client: PoolClient & { processID?: number }): Promise<void> {
	for (let asked = 0; asked < 10_000; asked += 1) {
		const { rows } = await books.pool.query('select cardinality(pg_blocking_pids($1)) > 0 as waits', [
			client.processID,
		]);
		if (rows[0].waits) return;
	}
	throw new Error('it does not wait');
}

const regimes = async () =>
	(
		await books.pool.query<{ instrument_id: number; figures: unknown }>(
			'select instrument_id, figures from botbox.regimes order by instrument_id',
		)
	).rows;
const outcomes = async () =>
	(await books.pool.query<{ outcome: string }>('select outcome from botbox.checks')).rows.map(({ outcome }) => outcome);

test.each([
	['commits', ['commit'], { adx: 30 }],
	['fails after all', ['rollback'], { adx: 40 }],
] as const)('the second waits until the first %s, and each market has one regime', async (_, [end], figures) => {
	const [one, two] = await twoBatches();
	await withClients(2, async ([first, second]) => {
		if (first === undefined || second === undefined) return;
		await record(first, one, { adx: 30 });
		const waiting = record(second, two, { adx: 40 });
		await untilWaiting(second);
		await first.query(end);
		expect((await waiting).map(({ outcome }) => outcome)).toEqual(['QUEUED', 'QUEUED']);
		await second.query('commit');
	});
	expect(await regimes()).toEqual([{ figures }, { figures }].map((row) => expect.objectContaining(row)));
	expect(await outcomes()).toEqual(Array.from({ length: end === 'commit' ? 4 : 2 }, () => 'QUEUED'));
});

test('both held up half-way, with their markets the other way round: no circle', async () => {
	const [one, two] = await twoBatches();
	const last = one.bots.at(-1);
	await withClients(3, async ([first, second, other]) => {
		if (first === undefined || second === undefined || other === undefined || last === undefined) return;
		// Whoever comes has the first market's regime already and waits for the second one's.
		await other.query(
			`insert into botbox.regimes (instrument_id, timeframe, candle_at, direction, volatility, figures)
			values ($1, '5m', $2, 'TRENDING_UP', 'NORMAL', '{}')`,
			[last.instrumentId, start],
		);
		const both = [record(first, one, { adx: 30 }), record(second, two, { adx: 40 }, true)];
		const ended = Promise.allSettled(
			both.map(async (recording, index) => {
				await recording;
				await [first, second][index]?.query('commit');
			}),
		);
		await untilWaiting(first);
		await untilWaiting(second);
		await other.query('rollback');
		expect(await ended).toEqual(
			[{ status: 'fulfilled' }, { status: 'fulfilled' }].map((row) => expect.objectContaining(row)),
		);
	});
	expect(await regimes()).toHaveLength(2);
	expect(await outcomes()).toEqual(['QUEUED', 'QUEUED', 'QUEUED', 'QUEUED']);
});

test.each([
	['first', { adx: 30 }, {}],
	['second', {}, { adx: 30 }],
])('figures that only the %s has are kept', async (_, ofFirst, ofSecond) => {
	const [one, two] = await twoBatches();
	await withClients(2, async ([first, second]) => {
		if (first === undefined || second === undefined) return;
		await record(first, one, ofFirst);
		const waiting = record(second, two, ofSecond);
		await untilWaiting(second);
		await first.query('commit');
		await waiting;
		await second.query('commit');
	});
	expect(await regimes()).toEqual(Array.from({ length: 2 }, () => expect.objectContaining({ figures: { adx: 30 } })));
});
