/** Users' strategies in the whole system: the documented example trades, and those that fail harm nobody but their own bots. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAccount, createBot, setBotStatus } from '../../src/database/functions/administration.ts';
import { checkLedger } from '../../src/database/functions/guards.ts';
import { findInstruments } from '../../src/database/functions/market.ts';
import { fetchFeeds } from '../../src/market/feed.ts';
import { ensureStrategyVersion, publishStrategies } from '../../src/market/strategy-versions.ts';
import { type Catalogue, openCatalogue } from '../../src/sandbox/catalogue.ts';
import { OwnChecks } from '../../src/workers/own-checks.ts';
import { runChecks } from '../../src/workers/run-checks.ts';
import { runManualChecks } from '../../src/workers/run-manual-checks.ts';
import { runTick } from '../../src/workers/tick.ts';
import { runCommand } from '../cli/command.ts';
import { fill, strategyFile } from '../sandbox/folder.ts';
import { type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

const limitMs = 250;

let folder: string;
let catalogue: Catalogue;
let ownChecks: OwnChecks;
let system: SimulatedSystem;
let account: number;
let instrumentId: number;
let symbol: string;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'botbox-flow-own-'));
	await fill(
		folder,
		{
			'hangs.ts': strategyFile('hangs', 'while (true) {}'),
			'throws.ts': strategyFile('throws', 'throw new RangeError("on purpose");'),
			'nan.ts': strategyFile('nan', 'return { decision: "LONG", stopLossFraction: 0 / 0 };'),
			'slow.ts': strategyFile('slow', 'return { decision: "NONE", figures: { close: view.candles.close.at(-1) } };'),
			'broken.ts': 'throw new Error("no luck today");',
		},
		['channel-breakout.ts', 'weighted-trend.ts'],
	);
	catalogue = openCatalogue({ folder, limits: { limitMs } });
	ownChecks = new OwnChecks(catalogue);
	system = await startSimulatedSystem({ simulator: { instrumentCount: 2 }, ownChecks });
	const { pool } = system.database;
	expect(await publishStrategies(pool, catalogue)).toEqual([]);
	account = await createAccount(pool, {
		...{
			name: 'demo-paper',
			mode: 'PAPER',
			exchangeId: 'sim',
			settleAsset: 'USDT',
			capital: 100_000,
			now: system.now(),
		},
		limits: { max_positions: 100, max_correlated_positions: 100 },
	});
	const linear = (await findInstruments(pool, { exchangeId: 'sim' })).find(({ marketType }) => marketType === 'LINEAR');
	instrumentId = linear!.id;
	symbol = linear!.symbol;
});
afterAll(async () => {
	await ownChecks.stop();
	await system.close();
	await rm(folder, { recursive: true });
});

const rows = async (sql: string, ...values: unknown[]) => (await system.database.pool.query(sql, values)).rows;

async function makeBots(strategy: string, count: number, parameters: unknown = {}): Promise<number[]> {
	const { pool } = system.database;
	const strategyVersionId = await ensureStrategyVersion(pool, strategy, parameters, catalogue);
	const ids: number[] = [];
	for (let index = 0; index < count; index += 1) {
		ids.push(
			await createBot(pool, {
				...{ name: `${strategy} ${index} ${Math.random()}`, strategyVersionId, accountId: account, instrumentId },
				...{ intervalMinutes: 1, sizing: 'FIXED_NOTIONAL', sizingValue: 100, isDueAtOnce: true, now: system.now() },
			}),
		);
	}
	return ids;
}

/** One minute as a worker lives it: what is the users' goes on in the background when this returns. */
async function startRound(own: OwnChecks): Promise<void> {
	const { context } = system;
	system.skip(60_000);
	const now = system.now();
	await fetchFeeds({ ...context, marketData: (id) => context.venues.marketData(id) }, { now });
	await runTick(context, now);
	const fetchChecks = (limit: number) => context.jobs.fetchChecks(limit, { ignoreStartAfter: true });
	await runChecks({ ...context, isSimulated: false, ownChecks: own, jobs: { ...context.jobs, fetchChecks } }, now);
}

const remove = async (bots: readonly number[]) => {
	for (const botId of bots) await setBotStatus(system.database.pool, { botId, status: 'DELETED', now: system.now() });
};

test('the documented example: one file, one command, and it trades', async () => {
	const { pool, url } = system.database;
	const env = { DATABASE_URL: url, BOTBOX_STRATEGIES: folder, BOTBOX_DATA_DIR: folder };
	const listed = await runCommand(['strategies', 'list', '--json'], env);
	expect(listed.code).toBe(0);
	const { strategies, not_loaded: failed } = JSON.parse(listed.stdout);
	expect(strategies).toContainEqual(
		expect.objectContaining({ id: 'MY-001', name: 'channel_breakout', file: 'channel-breakout.ts' }),
	);
	expect(failed).toEqual([{ file: 'broken.ts', message: 'Error: no luck today' }]);
	const shown = await runCommand(['strategies', 'show', 'channel_breakout'], env);
	expect(shown.stdout).toMatch(/channel-breakout\.ts[\s\S]*channel_period\s+20/);

	const made = (parameters: unknown, name = 'breakout') =>
		runCommand(
			[
				...[
					'bots',
					'create',
					'--name',
					name,
					'--strategy',
					'channel_breakout',
					'--account',
					'demo-paper',
					'--symbol',
					symbol,
				],
				...['--notional', '500', '--interval', '1', '--parameters', JSON.stringify(parameters), '--json'],
			],
			env,
		);
	expect(await made({ channel_period: 1 }, 'refused')).toMatchObject({
		code: 2,
		stderr: expect.stringContaining('channel_period: '),
	});
	const created = await made({ timeframe: '1m', channel_period: 5 });
	expect(created).toMatchObject({ code: 0, stderr: '' });
	const bot = Number(JSON.parse(created.stdout).bot_id);
	// The command went by the real clock; this system goes by its own.
	await pool.query('update botbox.bots set next_check_at = $2, created_at = $2 where id = $1', [
		bot,
		new Date(Math.ceil(system.now().getTime() / 60_000) * 60_000),
	]);
	for (let minute = 0; minute < 120; minute += 1) {
		await system.minute({ housekeepingEvery: 5 });
		const closed = await rows(`select from botbox.positions where bot_id = $1 and status = 'CLOSED'`, bot);
		if (closed.length > 0) break;
	}
	const signals = await rows(
		`select direction, trigger_reason, factors from botbox.signals where bot_id = $1 and status = 'QUEUED' order by id limit 2`,
		bot,
	);
	// Which minutes of the market it sees depends on which test came before: its own rule or its own stop may end the position.
	expect(signals.map(({ direction, trigger_reason: why }) => [direction === 'CLOSE', why])).toEqual([
		[false, 'ENTRY_RULE'],
		[true, expect.stringMatching(/^(EXIT_RULE|STOP_LOSS)$/)],
	]);
	expect(signals[0].factors.map(({ name }: { name: string }) => name)).toEqual([
		'close',
		'upper',
		'middle',
		'lower',
		'atr',
	]);
	expect(await checkLedger(pool, {})).toEqual([]);
	expect(await rows(`select outcome, error from botbox.checks where bot_id = $1 and error is not null`, bot)).toEqual(
		[],
	);
	await remove([bot]);
}, 240_000);

test("factors weighed in one's own way trade too, and a past signal is explained by asking the file again", async () => {
	const [bot] = await makeBots('weighted_trend', 1, {
		...{ timeframe: '1m', entry_threshold: 0.02, exit_threshold: 0 },
		favourable_regimes: ['TRENDING_UP', 'TRENDING_DOWN', 'RANGING'],
	});
	for (let minute = 0; minute < 60; minute += 1) {
		await system.minute({ housekeepingEvery: 5 });
		if ((await rows('select from botbox.signals where bot_id = $1', bot)).length > 0) break;
	}
	const [signal] = await rows('select id, score from botbox.signals where bot_id = $1 order by id limit 1', bot);
	const explain = async (env: Record<string, string>) =>
		JSON.parse(
			(
				await runCommand(['signals', 'explain', String(signal.id), '--json'], {
					DATABASE_URL: system.database.url,
					...env,
				})
			).stdout,
		).reEvaluation;
	expect(await explain({ BOTBOX_STRATEGIES: folder })).toMatchObject({
		recordedScore: signal.score,
		isEqual: true,
		missing: [],
		factors: [{ name: 'ema_cross' }, { name: 'momentum' }, { name: 'adx_direction' }],
	});
	expect(await explain({})).toMatchObject({
		score: null,
		missing: [expect.stringContaining('no strategy is called weighted_trend')],
	});
	await remove([bot!]);
}, 120_000);

test('twenty bots that hang and twenty that throw: the others are checked in time, and before them', async () => {
	const { pool } = system.database;
	await system.minute();
	const hanging = await makeBots('hangs', 20);
	const throwing = await makeBots('throws', 20);
	const good = [...(await makeBots('trend_following', 20, { timeframe: '1m' })), ...(await makeBots('slow', 20))];
	await startRound(ownChecks);
	const recordedNow = await rows('select bot_id, outcome from botbox.checks where bot_id = any ($1)', [
		...good,
		...hanging,
	]);
	const shipped = good.slice(0, 20);
	// The shipped strategies' checks are there when the round returns; not one that hangs could have been.
	for (const id of shipped)
		expect(recordedNow).toContainEqual({ bot_id: id, outcome: expect.not.stringMatching(/FAILED|TIMED_OUT/) });
	expect(recordedNow.filter(({ bot_id: id }) => hanging.includes(id))).toEqual([]);

	await ownChecks.settled();
	const ended = await rows(
		`select c.bot_id, c.outcome, c.reason_code, c.error, c.duration_ms from botbox.checks c where c.bot_id = any ($1)`,
		[...hanging, ...throwing, ...good],
	);
	const outcomes = (bots: readonly number[]) => [
		...new Set(ended.filter(({ bot_id: id }) => bots.includes(id)).map((row) => `${row.outcome} ${row.reason_code}`)),
	];
	expect(outcomes(throwing)).toEqual(['FAILED CHECK_FAILED']);
	expect(outcomes(hanging)).toEqual(['TIMED_OUT CHECK_TIMED_OUT']);
	expect(outcomes(good.slice(20))).toEqual(['NO_SIGNAL NO_RULE']);
	expect(ended.filter(({ bot_id: id }) => !hanging.includes(id))).toHaveLength(60);
	// On a machine so busy that their turns did not all come within the lease, the rest was handed back.
	expect(ended.length).toBeGreaterThan(60);
	const [hung] = ended.filter(({ bot_id: id }) => hanging.includes(id));
	expect(hung.error).toBe(`hangs.ts did not answer within ${limitMs / 1_000} s and was ended`);
	expect(hung.duration_ms).toBeGreaterThanOrEqual(limitMs - 5);
	// Nobody is left claimed, and everybody is due again at the next minute.
	expect(await rows(`select id from botbox.bots where claimed_by is not null`)).toEqual([]);
	expect(
		await pool.query('select from botbox.signals where bot_id = any ($1)', [[...hanging, ...throwing]]),
	).toMatchObject({ rowCount: 0 });
	await remove([...hanging, ...throwing, ...good]);
}, 120_000);

test.each([
	['hangs', 'TIMED_OUT', /hangs\.ts did not answer within/],
	['throws', 'FAILED', /RangeError: on purpose/],
	['nan', 'FAILED', /evaluation\.stopLossFraction: .*NaN/],
])(
	'a bot whose strategy %s pauses after five failures, and can be resumed',
	async (strategy, outcome, error) => {
		const [bot] = await makeBots(strategy, 1);
		const [healthy] = await makeBots('slow', 1);
		for (let minute = 0; minute < 7; minute += 1) await system.minute();
		const checks = await rows('select outcome, error from botbox.checks where bot_id = $1', bot);
		expect(checks.map((check) => check.outcome)).toEqual(Array(5).fill(outcome));
		for (const check of checks) expect(check.error).toMatch(error);
		expect(await rows('select status, next_check_at from botbox.bots where id = $1', bot)).toEqual([
			{ status: 'PAUSED', next_check_at: null },
		]);
		const alert = () =>
			rows(`select resolved_at from botbox.alerts where code = 'BOT_PAUSED' and subject = $1`, `bot ${bot}`);
		expect(await alert()).toEqual([{ resolved_at: null }]);
		const [others] = await rows(
			`select count(*), count(*) filter (where outcome = 'NO_SIGNAL') as good from botbox.checks where bot_id = $1`,
			healthy,
		);
		expect(Number(others.good)).toBe(Number(others.count));
		expect(Number(others.count)).toBeGreaterThanOrEqual(7);
		await setBotStatus(system.database.pool, { botId: bot!, status: 'ACTIVE', now: system.now() });
		expect(await alert()).toEqual([{ resolved_at: expect.any(Date) }]);
		await system.minute();
		expect(await rows('select status, consecutive_failures from botbox.bots where id = $1', bot)).toEqual([
			{ status: 'ACTIVE', consecutive_failures: 1 },
		]);
		await remove([bot!, healthy!]);
	},
	120_000,
);

test('a manual check of an own strategy is answered; one that hangs is recorded as such', async () => {
	const { pool } = system.database;
	await system.minute();
	const [good] = await makeBots('slow', 1);
	const [bad] = await makeBots('hangs', 1);
	for (const botId of [good!, bad!]) {
		await system.context.jobs.requestCheck({ botId, requestedAt: system.now().toISOString(), isDryRun: false });
	}
	await runManualChecks(system.context, system.now());
	const found = await pool.query(
		`select bot_id, outcome from botbox.checks where kind = 'MANUAL' and bot_id = any ($1) order by bot_id`,
		[[good, bad]],
	);
	expect(found.rows).toEqual([
		{ bot_id: good, outcome: 'NO_SIGNAL' },
		{ bot_id: bad, outcome: 'TIMED_OUT' },
	]);
	await remove([good!, bad!]);
}, 60_000);

test('a worker without the file fails the checks of its bots, says why, and checks all others', async () => {
	await system.minute();
	const [own] = await makeBots('slow', 1, {});
	const [shipped] = await makeBots('mean_reversion', 1, { timeframe: '1m' });
	const { pool } = system.database;
	// A strategy that the database knows and no file defines.
	await pool.query(`update botbox.strategies set name = 'gone' where id = 'T-slow'`);
	await pool.query(`insert into botbox.strategy_versions (strategy_id, version, parameters, timeframe, history, favourable_regimes)
		select strategy_id, 99, '{"was": 1}', timeframe, history, favourable_regimes from botbox.strategy_versions where strategy_id = 'T-slow' limit 1`);
	await pool.query(
		`update botbox.bots set strategy_version_id = (select id from botbox.strategy_versions where strategy_id = 'T-slow' and version = 99) where id = $1`,
		[own],
	);
	await system.minute();
	const [gone] = await rows(
		'select outcome, error from botbox.checks where bot_id = $1 order by due_at desc limit 1',
		own,
	);
	expect(gone).toEqual({
		outcome: 'FAILED',
		error: expect.stringMatching(/no strategy is called gone; .*not loaded .*broken\.ts/),
	});
	const [other] = await rows(
		'select outcome from botbox.checks where bot_id = $1 order by due_at desc limit 1',
		shipped,
	);
	expect(other.outcome).not.toBe('FAILED');
	await pool.query(`update botbox.strategies set name = 'slow' where id = 'T-slow'`);
	await remove([own!, shipped!]);
}, 60_000);

test('at shutdown what has not begun is handed back, and comes again', async () => {
	await system.minute();
	const own = new OwnChecks(openCatalogue({ folder, limits: { limitMs } }));
	const [first, ...rest] = await makeBots('hangs', 3);
	await startRound(own);
	await own.stop();
	const recorded = await rows(`select bot_id, outcome from botbox.checks where bot_id = any ($1)`, [first, ...rest]);
	expect(recorded).toEqual([{ bot_id: expect.any(Number), outcome: 'TIMED_OUT' }]);
	expect(await rows('select id from botbox.bots where claimed_by is not null')).toEqual([]);
	const again = await system.context.jobs.fetchChecks(10, { ignoreStartAfter: true });
	expect(again).toHaveLength(2);
	await system.context.jobs.endChecks(again.map(({ id }) => id));
	await remove([first!, ...rest]);
}, 60_000);
