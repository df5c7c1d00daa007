/**
 * `npm run chaos`: the failure drills, on real processes, a real database and the simulated exchange.
 *
 *     npm run chaos                                 one run of the kill drill: 60 s, 500 bots, 4 workers
 *     npm run chaos -- --drill mixed --runs 200     random faults, kills, freezes and cuts on a simulated clock
 *     npm run chaos -- --drill points               every crash point once
 *     npm run chaos -- --drill database --runs 3    the database goes away for 30 s, three times
 *     npm run chaos -- --drill cut                  one worker loses the database, then all lose the exchange, for 30 s each
 *     npm run chaos -- --drill connections          the database has no connection left for 30 s
 *     npm run chaos -- --drill races                20 bots on 16 processes race for an account's last slots and capital, 500 rounds each
 *     npm run chaos -- --drill limiter              eight processes ask for tokens at once, for a minute
 *     npm run chaos -- --seed 7                     the run that failed, once more
 *     npm run chaos -- --open FOLDER                the database that a failed run left, until Ctrl-C
 */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbedded } from '../../src/database/embedded/server.ts';
import { createPool } from '../../src/database/pool.ts';
import { databaseUrl, prepareTemplate } from '../support/template.ts';
import { drillCuts } from './cut-networks.ts';
import type { DrillReport } from './drill.ts';
import { drillKills } from './kill-workers.ts';
import { drillLimiter } from './limiter.ts';
import { drillMixed } from './mixed.ts';
import { drillRaces } from './race-entries.ts';
import { drillConnections } from './refuse-connections.ts';
import { drillDatabaseRestart } from './restart-database.ts';
import { type DrillServer, startDrillServer } from './server.ts';

const drills = ['kill', 'database', 'crash', 'cut', 'connections', 'mixed', 'points', 'races', 'limiter'] as const;
type Drill = (typeof drills)[number];

interface Plan {
	readonly drill: Drill;
	readonly runs: number;
	readonly seed: number;
	readonly bots: number;
	readonly workers: number;
	readonly seconds: number;
	readonly rounds: number;
	/** Of a failed run, to look at. */
	readonly open: string | undefined;
}

const usage = `usage: npm run chaos -- [--drill ${drills.join('|')}] [--runs N] [--seed S] [--bots N] [--workers N] [--seconds N] [--rounds N]
       npm run chaos -- --open FOLDER`;

function readPlan(): Plan {
	const text = { type: 'string' } as const;
	const { values } = parseArgs({
		options: {
			drill: text,
			runs: text,
			seed: text,
			bots: text,
			workers: text,
			seconds: text,
			rounds: text,
			open: text,
			help: { type: 'boolean' },
		},
	});
	if (values.help === true) {
		console.log(usage);
		process.exit(0);
	}
	const drill = drills.find((name) => name === (values.drill ?? 'kill'));
	if (drill === undefined) throw new Error(`--drill: ${values.drill} is not one of ${drills.join(', ')}`);
	return {
		drill,
		runs: wholeNumber('runs', values.runs, 1, 10_000),
		seed: wholeNumber('seed', values.seed, Date.now() % 1_000_000, 2 ** 31),
		bots: wholeNumber('bots', values.bots, 500, 5_000),
		workers: wholeNumber('workers', values.workers, drill === 'limiter' ? 8 : 4, 32),
		seconds: wholeNumber('seconds', values.seconds, drill === 'kill' || drill === 'limiter' ? 60 : 30, 3_600),
		rounds: wholeNumber('rounds', values.rounds, 500, 100_000),
		open: values.open,
	};
}

function wholeNumber(name: string, text: string | undefined, standard: number, most: number): number {
	if (text === undefined) return standard;
	const value = Number(text);
	if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
	throw new Error(`--${name}: expected a whole number from 1 to ${most}, got "${text}"`);
}

/** The server of the run under way, for an interruption. */
let current: DrillServer | undefined;
let isInterrupted = false;
/** The server of all runs of a drill that needs no server of its own. */
let shared: DrillServer | undefined;
const isShared = ({ drill }: Plan): boolean => drill === 'mixed' || drill === 'points';

async function run(plan: Plan, seed: number): Promise<boolean> {
	const begun = Date.now();
	const log = (line: string) => console.log(`  ${((Date.now() - begun) / 1_000).toFixed(1).padStart(6)} s  ${line}`);
	console.log(`drill ${plan.drill}, seed ${seed}`);
	const server = shared ?? (await startDrillServer());
	current = server;
	if (isShared(plan)) shared = server;
	try {
		const report = await play(plan, seed, server, log);
		log(
			Object.entries(report.figures)
				.map(([name, value]) => `${name} ${value}`)
				.join(', '),
		);
		for (const { rule, rows, samples } of report.failures) {
			log(`BROKEN: ${rule} (${rows})`);
			for (const sample of samples) log(`    ${sample.slice(0, 600)}`);
		}
		if (report.failures.length === 0) {
			if (!isShared(plan)) await server.close();
			return true;
		}
	} catch (error) {
		// The handler of the interruption ends the process; what failed because of it is no finding.
		if (isInterrupted) return await new Promise(() => {});
		log(`BROKEN: the drill itself: ${error instanceof Error ? error.stack : String(error)}`);
	}
	await server.close(`drill ${plan.drill}, seed ${seed}`);
	// The folder is kept for a look: runs that follow get another.
	shared = undefined;
	log(`failed with seed ${seed}; logs in ${server.dir}`);
	log(`its database: npm run chaos -- --open ${dirname(server.dataDir)}`);
	log(`once more: npm run chaos -- --drill ${plan.drill} --runs 1 --seed ${seed}`);
	return false;
}

/** Drills on a simulated clock share one server: each run gets a database of its own. */
async function playMixed(
	plan: Plan,
	seed: number,
	server: DrillServer,
	log: (line: string) => void,
): Promise<DrillReport> {
	const template = await prepareTemplate(server.url);
	const name = `botbox_drill_${plan.drill}_${seed}`;
	const admin = createPool({ url: server.url, max: 1, applicationName: 'botbox drill' });
	await admin.query(`create database ${name} template ${template}`);
	const url = databaseUrl(server.url, name);
	const pool = createPool({ url, max: 4, applicationName: 'botbox drill' });
	try {
		const everyCrashPoint = plan.drill === 'points';
		const dir = join(server.dir, String(seed));
		await mkdir(dir);
		const report = await drillMixed({ databaseUrl: url, pool, dir, seed, log, everyCrashPoint });
		await pool.end();
		if (report.failures.length === 0) await admin.query(`drop database ${name} with (force)`);
		return report;
	} finally {
		await admin.end();
	}
}

async function play(plan: Plan, seed: number, server: DrillServer, log: (line: string) => void): Promise<DrillReport> {
	const options = { ...plan, seed, dir: server.dir, log };
	if (plan.drill === 'mixed' || plan.drill === 'points') return await playMixed(plan, seed, server, log);
	if (plan.drill === 'kill') return await drillKills({ ...options, databaseUrl: server.url });
	if (plan.drill === 'cut') return await drillCuts({ ...options, databaseUrl: server.url });
	if (plan.drill === 'connections') return await drillConnections({ ...options, databaseUrl: server.url });
	if (plan.drill === 'races') return await drillRaces({ ...options, databaseUrl: server.url });
	if (plan.drill === 'limiter') return await drillLimiter({ ...options, databaseUrl: server.url });
	return await drillDatabaseRestart({ ...options, server, isCrash: plan.drill === 'crash' });
}

/** Serves the databases of a kept folder until Ctrl-C. */
async function openKept(folder: string): Promise<never> {
	const server = await startEmbedded({ dataDir: join(folder, 'data') });
	const pool = createPool({ url: server.url, max: 1, applicationName: 'botbox drill' });
	const { rows } = await pool.query<{ datname: string }>(
		`select datname from pg_database where datname = 'botbox' or datname like 'botbox_drill%' order by datname`,
	);
	await pool.end();
	for (const { datname } of rows) console.log(databaseUrl(server.url, datname));
	console.log('Ctrl-C ends the server');
	await new Promise<void>((resolve) => {
		for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve);
		// Listening to signals alone keeps no process alive.
		setInterval(() => {}, 60_000);
	});
	await server.stop();
	process.exit(0);
}

let plan: Plan;
try {
	plan = readPlan();
} catch (error) {
	console.error(error instanceof Error ? error.message : String(error));
	console.error(usage);
	process.exit(2);
}
if (plan.open !== undefined) await openKept(plan.open);
const interrupt = (): void => {
	if (isInterrupted) return;
	isInterrupted = true;
	void (current?.close() ?? Promise.resolve()).finally(() => process.exit(130));
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
let passed = 0;
for (let i = 0; i < plan.runs; i += 1) if (await run(plan, plan.seed + i)) passed += 1;
await shared?.close();
console.log(`${plan.runs} runs, ${passed} passed, ${plan.runs - passed} failed`);
process.exit(passed === plan.runs ? 0 : 1);
