/** What the commands do and print when all is well: JSON for programs, and a line or a table for people. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildProgram } from '../../src/cli.ts';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeLegs } from '../support/factories/pairs.ts';
import { decide } from '../support/factories/trading.ts';
import { makeBot, makeWorld } from '../support/factories/world.ts';
import { runCommand, spawnCommand } from './command.ts';

let database: TestDatabase;
let empty: TestDatabase;
let dataDir: string;

beforeAll(async () => {
	[database, empty] = await Promise.all([createTestDatabase(), createEmptyDatabase()]);
	dataDir = await mkdtemp(join(tmpdir(), 'botbox-cli-'));
	// An instrument T1/USDT:USDT and an account to trade it on.
	await makeWorld(database.pool, { account: { name: 'paper' } });
});
afterAll(async () => {
	await rm(dataDir, { recursive: true });
	await Promise.all([database.drop(), empty.drop()]);
});

const env = () => ({ DATABASE_URL: database.url, BOTBOX_DATA_DIR: dataDir });

async function say(...args: readonly string[]): Promise<string> {
	const result = await runCommand(args, env());
	expect(result).toMatchObject({ code: 0, stderr: '' });
	return result.stdout;
}

type Row = Readonly<Record<string, unknown>>;
const json = async <T = Row>(...args: readonly string[]): Promise<T> => JSON.parse(await say(...args, '--json')) as T;
const createBot = (name: string, ...more: readonly string[]) =>
	json(
		...['bots', 'create', '--name', name, '--strategy', 'trend_following', '--account', 'paper'],
		...['--symbol', 'T1/USDT:USDT', ...(more.length > 0 ? more : ['--notional', '250'])],
	);

test('migrate, on an empty database and again', async () => {
	const first = await spawnCommand(['migrate', '--json'], { DATABASE_URL: empty.url });
	expect(first).toMatchObject({ code: 0, stderr: '' });
	expect(JSON.parse(first.stdout)).toMatchObject({ changed: true });
	const again = await runCommand(['migrate'], { DATABASE_URL: empty.url });
	expect(again).toEqual({ code: 0, stdout: 'nothing to do\n', stderr: '' });
});

test("bots of two legs: an exchange's own symbol means spot for the first and the perpetual for the second", async () => {
	await makeLegs(database.pool, 'DUO');
	const create = ['bots', 'create', '--strategy', 'ST-005', '--account', 'paper', '--notional', '100'];
	const bot = await json(...create, '--name', 'duo', '--symbol', 'DUOUSDT', '--second-symbol', 'DUOUSDT');
	expect(bot).toMatchObject({ symbol: 'DUO/USDT', second_symbol: 'DUO/USDT:USDT', interval_minutes: 60 });
	const alone = await runCommand([...create, '--name', 'alone', '--symbol', 'DUO/USDT'], env());
	expect(alone).toMatchObject({
		code: 2,
		stderr: expect.stringMatching(/trades 2 instruments together, 1 were given/),
	});
	const other = ['--name', 'other', '--symbol', 'DUO/USDT', '--second-symbol'];
	expect(await runCommand([...create, ...other, 'T1/USDT:USDT'], env())).toMatchObject({
		code: 2,
		stderr: expect.stringMatching(/second leg must be another market of DUO/),
	});
	expect(await runCommand([...create, ...other, 'NOPE'], env())).toMatchObject({
		code: 1,
		stderr: expect.stringMatching(/has no instrument NOPE/),
	});
});

test('bots: created, listed, shown, paused, resumed and deleted', async () => {
	const bot = await createBot('trend-1', '--fraction', '0.05', '--interval', '5', '--parameters', '{"timeframe":"5m"}');
	expect(bot).toMatchObject({ name: 'trend-1', status: 'ACTIVE', interval_minutes: 5, strategy: 'trend_following' });
	expect(Date.parse(String(bot.next_check_at)) % 300_000).toBe(0);
	expect(await createBot('trend-2', '--volatility', '0.005')).toMatchObject({
		sizing: 'VOLATILITY_TARGET',
		sizing_value: '0.005',
	});
	const id = String(bot.bot_id);

	expect(await say('bots', 'pause', 'trend-1', '--reason', 'lunch')).toBe(`bot ${id} trend-1 is PAUSED\n`);
	expect(await json<Row[]>('bots', 'list', '--status', 'paused')).toMatchObject([
		{ name: 'trend-1', next_check_at: null },
	]);
	expect(await say('bots', 'resume', id)).toBe(`bot ${id} trend-1 is ACTIVE\n`);
	const shown = await json<{ bot: Row; checks: Row[]; signals: Row[]; trades: Row[] }>('bots', 'show', id);
	expect(shown).toMatchObject({ bot: { name: 'trend-1' }, checks: [], signals: [], trades: [] });
	expect(await say('bots', 'show', 'trend-1')).toMatch(/Latest checks\n.*\n\(none\)/);

	expect(await say('bots', 'delete', 'trend-1')).toBe(`bot ${id} trend-1 is DELETED\n`);
	expect((await json<Row[]>('bots', 'list')).filter(({ name }) => name === 'trend-1')).toEqual([]);
	const { rows } = await database.pool.query(
		`select action, after ->> 'status' as status, after ->> 'reason' as reason
		from botbox.audit_log where subject = $1 order by id`,
		[`bot ${id}`],
	);
	expect(rows).toEqual([
		{ action: 'bot.create', status: null, reason: null },
		{ action: 'bot.status', status: 'PAUSED', reason: 'lunch' },
		{ action: 'bot.status', status: 'ACTIVE', reason: null },
		{ action: 'bot.status', status: 'DELETED', reason: null },
	]);
});

test('bots: two with the same parameters share a strategy version, by name or by id of the strategy', async () => {
	const first = await createBot('same-1');
	const second = await json(
		...['bots', 'create', '--name', 'same-2', '--strategy', 'ST-003', '--account', 'paper'],
		...['--symbol', 'T1USDT', '--notional', '250'],
	);
	const { rows } = await database.pool.query<{ versions: number }>(
		'select count(distinct strategy_version_id) as versions from botbox.bots where id = any ($1)',
		[[first.bot_id, second.bot_id]],
	);
	expect(rows[0]?.versions).toBe(1);
});

test('accounts: opened, listed, halted and resumed', async () => {
	const account = await json('accounts', 'create', '--name', 'second', '--exchange', 'sim', '--capital', '500.5');
	expect(account).toMatchObject({
		name: 'second',
		mode: 'PAPER',
		status: 'ACTIVE',
		settle_asset: 'USDT',
		capital: '500.5',
	});
	const id = String(account.account_id);
	expect(await say('accounts', 'halt', 'second', '--reason', 'audit')).toBe(`account ${id} second is HALTED\n`);
	const listed = await json<Row[]>('accounts', 'list');
	expect(listed.find(({ name }) => name === 'second')).toMatchObject({ status: 'HALTED', status_reason: 'audit' });
	expect(JSON.stringify(listed)).not.toMatch(/credential/i);
	expect(await say('accounts', 'reduce', id, '--reason', 'news')).toBe(`account ${id} second is REDUCING\n`);
	expect(await say('accounts', 'resume', id)).toBe(`account ${id} second is ACTIVE\n`);
});

test('accounts limits: given when it is opened, shown, changed one by one, removed, and audited', async () => {
	await say(
		...['accounts', 'create', '--name', 'limited', '--exchange', 'sim', '--capital', '500', '--max-positions', '3'],
		...['--daily-loss', '20.5', '--max-drawdown', '.2'],
	);
	expect(await json('accounts', 'limits', 'limited')).toMatchObject({
		max_positions: 3,
		max_correlated_positions: 4,
		correlation_threshold: '0.8',
		daily_loss_limit: '20.5',
		max_drawdown: '0.2',
		max_total_exposure: null,
	});
	const changed = await say(
		...[
			'accounts',
			'limits',
			'limited',
			'--daily-loss',
			'none',
			'--max-total-exposure',
			'1000',
			'--max-losing-streak',
			'4',
		],
		...['--max-instrument-exposure', '300', '--max-order-notional', '100', '--max-entries-per-minute', '5'],
		...['--max-price-deviation', '0.01', '--loss-cooldown', '30', '--max-correlated-positions', '2'],
		...['--correlation-threshold', '0.7'],
	);
	expect(changed.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
		['max positions', '3'],
		['max correlated positions', '2'],
		['correlation threshold', '0.7'],
		['max instrument exposure', '300'],
		['max total exposure', '1000'],
		['max order notional', '100'],
		['max entries per minute', '5'],
		['max price deviation', '0.01'],
		['daily loss limit', '-'],
		['max drawdown', '0.2'],
		['loss cooldown minutes', '30'],
		['max losing streak', '4'],
		['max margin ratio', '0.5'],
		[''],
	]);
	const { rows } = await database.pool.query(
		`select before -> 'daily_loss_limit' as before, after -> 'daily_loss_limit' as after, after -> 'max_drawdown' as other
		from botbox.audit_log where action = 'account.limits' order by id desc limit 1`,
	);
	expect(rows).toEqual([{ before: 20.5, after: null, other: null }]);
});

test('bots limit: given when it is created, changed, removed', async () => {
	const bot = await createBot('limited', '--notional', '250', '--max-position', '750');
	expect(bot).toMatchObject({ max_position_notional: '750' });
	expect(await say('bots', 'limit', 'limited', '--max-position', '500')).toMatch(/limited is limited to 500 USDT\n$/);
	expect(await say('bots', 'limit', 'limited', '--max-position', 'none')).toMatch(/limited is without a limit\n$/);
	const listed = await json<Row[]>('bots', 'list');
	expect(listed.find(({ name }) => name === 'limited')).toMatchObject({ max_position_notional: null });
});

test('pause and resume, each scope by itself', async () => {
	await createBot('paused');
	expect(await say('pause', '--all', '--for', '30m', '--reason', 'news')).toMatch(
		/^pause \d+ is in force until \d{4}-/,
	);
	expect(await say('pause', '--bot', 'paused')).toMatch(/^pause \d+ is in force\n$/);
	expect(await say('pause', '--account', 'paper')).toMatch(/is in force/);
	expect(await say('pause', '--exchange', 'sim')).toMatch(/is in force/);
	expect(await say('resume', '--all')).toBe('1 pauses lifted\n');
	expect(await json<Row[]>('bots', 'list')).toContainEqual(
		expect.objectContaining({ name: 'paused', entries_paused: true }),
	);
	for (const scope of [
		['--bot', 'paused'],
		['--account', 'paper'],
		['--exchange', 'sim'],
	]) {
		expect(await say('resume', ...scope)).toBe('1 pauses lifted\n');
	}
	expect(await say('resume', '--all')).toBe('0 pauses lifted\n');
	const { rows } = await database.pool.query(`select reason from botbox.pauses where scope = 'ALL'`);
	expect(rows).toEqual([{ reason: 'news' }]);
});

test('tokens: shown once, listed without themselves, revoked once', async () => {
	const token = (await say('tokens', 'create', '--role', 'operator', '--name', 'page')).trim();
	expect(token).toMatch(/^bb_[\w-]{43}$/);
	const made = await json('tokens', 'create', '--role', 'viewer', '--expires-in', '12h');
	expect(made).toMatchObject({ role: 'viewer', name: 'cli' });
	expect(Date.parse(String(made.expires_at)) - Date.now()).toBeGreaterThan(11 * 3_600_000);
	const listed = await say('tokens', 'list', '--json');
	expect(listed).not.toContain(token);
	const { token_id: id } = (JSON.parse(listed) as Row[]).find(({ name }) => name === 'page') ?? {};
	expect(await say('tokens', 'revoke', String(id))).toBe(`token ${id} revoked\n`);
	expect(await runCommand(['tokens', 'revoke', String(id)], env())).toMatchObject({ code: 1 });
});

test('strategies: listed and shown with their defaults', async () => {
	await createBot('for-its-version');
	const { strategies, versions } = await json<{ strategies: Row[]; versions: Row[] }>('strategies', 'list');
	expect(strategies.map(({ name }) => name)).toEqual(expect.arrayContaining(['mean_reversion', 'trend_following']));
	expect(versions).toContainEqual(expect.objectContaining({ name: 'trend_following' }));
	const shown = await json<{ defaults: Row; schema: Row }>('strategies', 'show', 'ST-003');
	expect(shown).toMatchObject({ defaults: { timeframe: '15m' }, schema: { type: 'object' } });
	expect(await say('strategies', 'show', 'trend_following')).toMatch(/^entry_threshold +0\.6$/m);
});

test('strategies: parameters changed for chosen bots, compared, and their versions told apart', async () => {
	const parameters = '{"timeframe":"5m","entry_threshold":0.5}';
	const [first, second] = [
		await createBot('v-1', '--notional', '100', '--parameters', parameters),
		await createBot('v-2', '--notional', '100', '--parameters', parameters),
	];
	const base = Number(first.strategy_version);
	const change = [
		'strategies',
		'set',
		'trend_following',
		'--parameters',
		'{"entry_threshold":0.55,"exit_threshold":0.1}',
	];
	const made = await json(...change, '--bot', 'v-1');
	expect(made).toMatchObject({
		strategy: 'trend_following',
		fromVersion: base,
		isNew: true,
		differences: [
			{ parameter: 'entry_threshold', before: 0.5, after: 0.55 },
			{ parameter: 'exit_threshold', after: 0.1 },
		],
		moved: [{ botId: first.bot_id, name: 'v-1', fromVersion: base }],
	});
	const next = Number(made.version);
	expect((await json<{ bot: Row }>('bots', 'show', 'v-1')).bot).toMatchObject({ strategy_version: next });
	expect((await json<{ bot: Row }>('bots', 'show', 'v-2')).bot).toMatchObject({ strategy_version: base });

	// The same change of the other bot finds the version there.
	expect(await json(...change, '--bot', String(second.bot_id))).toMatchObject({ isNew: false, version: next });
	const shown = await json<{ parameters: Row }>('strategies', 'show', 'trend_following', '--version', String(next));
	expect(shown.parameters).toMatchObject({ timeframe: '5m', entry_threshold: 0.55, exit_threshold: 0.1 });
	expect(await say('strategies', 'show', 'ST-003', '--version', String(next))).toMatch(/^entry_threshold +0\.55$/m);
	const diff = await json<Row[]>('strategies', 'diff', 'ST-003', String(base), String(next));
	expect(new Set(diff.map(({ parameter }) => parameter))).toEqual(new Set(['entry_threshold', 'exit_threshold']));
	expect(await say('strategies', 'diff', 'ST-003', String(next), String(next))).toContain('(none)');
	const versions = await json<Row[]>('strategies', 'versions', 'trend_following');
	expect(versions.find(({ strategy_version: version }) => version === next)).toMatchObject({ active_bots: 2, bots: 2 });
	expect(await say('strategies', 'versions', 'trend_following')).toMatch(/won +pnl live +pnl paper/);
});

test('strategies: nested weights are merged; without bots a version is made and its use told; --all moves every bot', async () => {
	const names = ['all-1', 'all-2'];
	for (const name of names) await createBot(name);
	const { defaults } = await json<{ defaults: { weights: Record<string, number> } }>('strategies', 'show', 'ST-003');
	const [one, two] = Object.keys(defaults.weights) as [string, string];
	const sum = defaults.weights[one]! + defaults.weights[two]!;
	const parameters = JSON.stringify({ weights: { [one]: sum, [two]: 0 } });
	const told = await say('strategies', 'set', 'trend_following', '--parameters', parameters);
	expect(told).toContain(`weights.${one}`);
	expect(told).toMatch(
		/no bot uses it by this\. Move bots: botbox strategies set trend_following .* --from-version \d+/,
	);
	const version = /--from-version (\d+)/.exec(told)?.[1] ?? '';
	const all = await json<{ isNew: boolean; moved: Row[] }>(
		...['strategies', 'set', 'trend_following', '--parameters', '{}', '--from-version', version, '--all'],
	);
	expect(all.isNew).toBe(false);
	expect(all.moved.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
	expect((await json<{ bot: Row }>('bots', 'show', 'all-2')).bot).toMatchObject({ strategy_version: Number(version) });
	const again = ['strategies', 'set', 'trend_following', '--parameters', '{}', '--all'];
	expect(await json(...again)).toMatchObject({ fromVersion: Number(version), differences: [], moved: [] });
});

test('signals explain', async () => {
	const world = await makeWorld(database.pool);
	const bot = await makeBot(database.pool, world);
	const refused = await decide(database.pool, bot, { regime: null });
	const signal = await json('signals', 'explain', String(refused.signalId));
	expect(signal).toMatchObject({ signal_id: refused.signalId, status: 'REJECTED', reason_code: 'REGIME_UNKNOWN' });
	expect(signal.reEvaluation).toMatchObject({
		isEqual: false,
		missing: [expect.stringMatching(/no score was recorded/)],
	});
	const said = await say('signals', 'explain', String(refused.signalId));
	expect(said).toContain('Too little history to tell the market regime');
	expect(said).toMatch(/Evaluated again from the stored candles\n(.*\n)+missing +no score was recorded/);
});

test('status names the page and the database, and every list', async () => {
	const status = await json<Readonly<Record<string, unknown>>>('status');
	expect(status).toMatchObject({
		page: 'http://127.0.0.1:8085/',
		database: database.url,
		overview: { open_alerts: 0 },
	});
	for (const list of [
		'bots',
		'exchanges',
		'accounts',
		'signals',
		'queue',
		'orders',
		'positions',
		'alerts',
		'workers',
	]) {
		expect(status[list], list).toBeInstanceOf(Array);
	}
	expect(status).not.toHaveProperty('simulator');
	const printed = await say('status');
	for (const word of ['NaN', 'undefined', '[object']) expect(printed).not.toContain(word);
	expect(printed).toMatch(/^page +http/);
	// For people the password is hidden.
	const { password } = new URL(database.url);
	if (password !== '') expect(printed).not.toContain(password);
});

test('status --watch shows it again and again until it is told to end, as JSON one value a line', async () => {
	let shown = 0;
	const result = runCommand(['status', '--watch', '1', '--json'], env(), () => {
		shown += 1;
		if (shown === 2) process.emit('SIGINT');
	});
	const { code, stdout, stderr } = await result;
	expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
	const lines = stdout.trim().split('\n');
	expect(lines).toHaveLength(2);
	for (const line of lines) expect(JSON.parse(line)).toMatchObject({ database: database.url });
});

test('db url', async () => {
	expect(await say('db', 'url')).toBe(`${database.url}\n`);
});

test('doctor finds no worker, and one that is heard', async () => {
	const findings = async () => {
		const { stdout } = await runCommand(['doctor', '--json'], env());
		return JSON.parse(stdout) as { name: string; ok: boolean; says: string }[];
	};
	expect(await findings()).toContainEqual(expect.objectContaining({ name: 'workers', ok: false }));
	await database.pool.query(`select botbox.record_heartbeat('w', 'here', 1, '{check}', '0.1.0', now())`);
	// The simulated exchange does not run here: test/cli/doctor.test.ts has one.
	expect((await findings()).filter(({ ok, name }) => !ok && name !== 'connection to sim')).toEqual([]);
	expect((await runCommand(['doctor'], env())).stdout).toMatch(/^ok {4} workers: 1 running$/m);
	await database.pool.query('delete from botbox.workers');
});

test('every command tells its use with --help, the program its version', async () => {
	const paths: string[][] = [[]];
	const visit = (command: ReturnType<typeof buildProgram>, path: readonly string[]): void => {
		for (const child of command.commands) {
			paths.push([...path, child.name()]);
			visit(child, [...path, child.name()]);
		}
	};
	visit(buildProgram(), []);
	for (const path of paths) {
		const help = await runCommand([...path, '--help'], env());
		expect(help, path.join(' ')).toMatchObject({ code: 0, stderr: '' });
		expect(help.stdout).toMatch(new RegExp(`^Usage: ${['botbox', ...path].join(' ')}`));
	}
	expect((await spawnCommand(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
