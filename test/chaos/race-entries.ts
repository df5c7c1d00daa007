/**
 * The drill `races`: 20 bots of one account on 16 worker processes want to enter in the same moment, for 5 slots and for capital
 * that suffices for 3. In every round exactly that many may win, and in the end the ledger holds.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { migrate } from '../../src/database/migrate/migrate.ts';
import { createPool } from '../../src/database/pool.ts';
import { prepareRace, type RaceShare } from '../support/entry-race.ts';
import { type Finding, finding } from './books.ts';
import type { DrillReport } from './drill.ts';

const races = [
	{ name: '5 slots', room: { capital: 1_000_000, maxPositions: 5 }, refusal: 'MAX_POSITIONS', fitting: 5 },
	{ name: 'capital for 3', room: { capital: 3_003 }, refusal: 'INSUFFICIENT_CAPITAL', fitting: 3 },
] as const;
const workers = 16;

export async function drillRaces(options: {
	readonly databaseUrl: string;
	readonly rounds: number;
	readonly log: (line: string) => void;
}): Promise<DrillReport> {
	const { databaseUrl, rounds, log } = options;
	await migrate({ url: databaseUrl });
	const pool = createPool({ url: databaseUrl, max: 4, applicationName: 'botbox drill' });
	const racers = Array.from({ length: workers }, () => startRacer(databaseUrl));
	const failures: Finding[] = [];
	let entries = 0;
	try {
		for (const { name, room, refusal, fitting } of races) {
			const race = await prepareRace({
				pool,
				workers,
				...room,
				work: (worker, share) => ask(racers[worker] as ChildProcess, share),
			});
			const wrong: unknown[] = [];
			for (let round = 0; round < rounds; round += 1) {
				const counts = await race.run(round);
				entries += counts.ACCEPTED ?? 0;
				if (counts.ACCEPTED !== fitting || counts[refusal] !== 20 - fitting) wrong.push({ round, counts });
			}
			failures.push(...finding(`${fitting} of 20 win the race for ${name}`, wrong));
			log(`${rounds} rounds for ${name}, ${wrong.length} of them wrong`);
		}
		const broken = await pool.query('select * from botbox.check_ledger()');
		failures.push(...finding('the ledger sums to the booked balances', broken.rows));
		return { failures, figures: { rounds: rounds * races.length, workers, entries } };
	} finally {
		for (const racer of racers) racer.kill('SIGKILL');
		await pool.end();
	}
}

function startRacer(databaseUrl: string): ChildProcess {
	return fork(fileURLToPath(new URL('racer.ts', import.meta.url)), {
		env: { PATH: process.env.PATH, DATABASE_URL: databaseUrl },
	});
}

async function ask(racer: ChildProcess, share: RaceShare): Promise<string[]> {
	const listening = new AbortController();
	const answer = once(racer, 'message', listening);
	const death = once(racer, 'exit', listening).then(() => {
		throw new Error('a racer ended');
	});
	// Whichever of the two does not come is let go of below.
	for (const event of [answer, death]) event.catch(() => {});
	racer.send(share);
	try {
		const [{ reasons, error }] = (await Promise.race([answer, death])) as [{ reasons?: string[]; error?: string }];
		if (reasons === undefined) throw new Error(error);
		return reasons;
	} finally {
		listening.abort();
	}
}
