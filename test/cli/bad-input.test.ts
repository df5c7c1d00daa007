/** Wrong input ends in one line on stderr and exit 2 or 1, and changes nothing. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { buildProgram } from '../../src/cli.ts';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeWorld } from '../support/factories/world.ts';
import { type CommandResult, runCommand, spawnCommand } from './command.ts';

let database: TestDatabase;
let empty: TestDatabase;
/** An empty data directory: nothing may appear in it. */
let dataDir: string;
let before: unknown;
const nobodyListens = 'postgres://nobody:secret@127.0.0.1:1/none';

beforeAll(async () => {
	[database, empty] = await Promise.all([createTestDatabase(), createEmptyDatabase()]);
	dataDir = await mkdtemp(join(tmpdir(), 'botbox-cli-'));
	// An instrument T1/USDT:USDT, an account to trade it on, and a bot.
	await makeWorld(database.pool, { account: { name: 'paper' } });
	expect(await runCommand(create('--name', 'one'), here())).toMatchObject({ code: 0, stderr: '' });
});
afterAll(async () => {
	await rm(dataDir, { recursive: true });
	await Promise.all([database.drop(), empty.drop()]);
});
beforeEach(async () => {
	before = await snapshot();
});
afterEach(async () => {
	expect(await snapshot()).toEqual(before);
	expect(await readdir(dataDir)).toEqual([]);
});

async function snapshot(): Promise<unknown> {
	const { rows } = await database.pool.query(
		`select (select count(*) from botbox.accounts) as accounts, (select count(*) from botbox.strategy_versions) as versions,
			(select count(*) from botbox.pauses) as pauses, (select count(*) from botbox.api_tokens) as tokens,
			(select count(*) from botbox.audit_log) as audited, (select count(*) from botbox.workers) as workers,
			(select json_agg(b order by b.id) from botbox.bots b) as bots`,
	);
	return rows[0];
}

const here = () => ({ DATABASE_URL: database.url, BOTBOX_DATA_DIR: dataDir, BOTBOX_MASTER_KEY: '' });

function expectOneLine({ code, stdout, stderr }: CommandResult, expected: { code: number; says: RegExp }): void {
	expect(stderr).toMatch(/^botbox: [^\n]+\n$/);
	expect(stderr).toMatch(expected.says);
	expect(stderr).not.toContain('secret');
	expect(stdout).toBe('');
	expect(code).toBe(expected.code);
}

const create = (...changes: readonly string[]) => [
	...['bots', 'create', '--name', 'new', '--strategy', 'trend_following', '--account', 'paper'],
	...['--symbol', 'T1/USDT:USDT', '--notional', '100', ...changes],
];
const set = (parameters: string, ...more: readonly string[]) => [
	...['strategies', 'set', 'trend_following', '--parameters', parameters, ...more],
];
const open = (...changes: readonly string[]) => [
	...['accounts', 'create', '--name', 'new', '--exchange', 'sim', '--capital', '100', ...changes],
];

const noTrade = '00000000-0000-4000-8000-000000000000';
const resolve = (id: string, as: string, ...more: readonly string[]) => [
	...['trades', 'resolve', id, '--as', as, '--reason', 'seen', ...more],
];

/** What is typed, the exit code, and what the line must name. */
const wrong: readonly (readonly [args: readonly string[], code: number, says: RegExp])[] = [
	[[], 2, /a command is needed/],
	[['nonsense'], 2, /unknown command 'nonsense'/],
	[['candles'], 2, /a command is needed/],
	[['candles', 'backfill', '--timeframe', '7m'], 2, /Expected one of 1m, 5m/],
	[['candles', 'backfill', '--timeframe', '1m'], 2, /either --instrument or --exchange and --symbol/],
	[['candles', 'backfill', '--timeframe', '1m', '--instrument', 'sim:NOPE/USDT', '--days', '0'], 2, /above 0/],
	[
		['candles', 'import', '/nowhere.csv', '--instrument', 'sim:T1/USDT:USDT', '--timeframe', '1m'],
		1,
		/there is no such file/,
	],
	[['candles', 'gaps', '--instrument', 'sim:NOPE/USDT'], 1, /there is no instrument NOPE\/USDT on sim/],
	[['candles', 'forget', '--instrument', '999999'], 1, /there is no instrument 999999/],
	[['alerts', 'list', '--limit', '0'], 2, /whole number above 0/],
	[['alerts', 'ack', 'one'], 2, /whole number above 0/],
	[['alerts', 'ack', '4711'], 1, /there is no alert 4711/],
	[['alerts', 'test', 'nobody'], 1, /there is no channel nobody/],
	[['alerts', 'rules', 'list', '--colour'], 2, /unknown option/],
	[['alerts', 'rules', 'set', 'NO_SUCH', '--threshold', '1'], 1, /there is no alert NO_SUCH/],
	[['alerts', 'rules', 'set', 'BREAKER_OPEN', '--threshold', '1'], 2, /BREAKER_OPEN has no threshold/],
	[['alerts', 'rules', 'set', 'QUEUE_DEPTH', '--threshold', '-1'], 2, /number above 0/],
	[['alerts', 'channels', 'list', 'all'], 2, /too many arguments/],
	[['alerts', 'channels', 'add', 'ops', '--kind', 'slack'], 2, /ALERT_CHANNEL_URL is needed/],
	[['alerts', 'channels', 'remove', 'nobody'], 1, /there is no channel nobody/],
	[['bots'], 2, /a command is needed/],
	[['bots', 'nonsense'], 2, /unknown command/],
	[['up', '--port', '99999'], 2, /port from 0 to 65535/],
	[['up', '--port', '-1'], 2, /port from 0 to 65535/],
	[['up', '--exchange', 'mtgox'], 2, /Allowed choices are sim/],
	[['up', '--market', '/nowhere/BTC-USDT_1m.csv'], 2, /there is no file/],
	[['up', '--market', 'x.csv', '--exchange', 'bybit'], 2, /simulated exchange only/],
	[['worker', '--roles', 'tick,dance'], 2, /dance is not one of tick/],
	[['worker', '--roles', ''], 2, /is not one of/],
	[['worker', '--health-port', 'x'], 2, /port from 0/],
	[['api', '--port', '8o85'], 2, /port from 0/],
	[['simulator', '--port', '70000'], 2, /port from 0/],
	[['simulator', '--seed', 'pi'], 2, /whole number/],
	[['simulator', '--market', '/nowhere/BTC-USDT_1m.csv'], 2, /cannot be read/],
	[['migrate', 'now'], 2, /too many arguments/],
	[['status', '--colour'], 2, /unknown option '--colour'/],
	[['doctor', '--fix'], 2, /unknown option/],
	[['status', '--watch', '0'], 2, /Expected a whole number above 0/],
	[['completion'], 2, /missing required argument 'shell'/],
	[['completion', 'tcsh'], 2, /Allowed choices are bash, zsh, fish/],
	[['db', 'drop'], 2, /unknown command/],
	[['bots', 'list', '--status', 'SLEEPING'], 2, /Expected one of ACTIVE, PAUSED, STOPPED/],
	[['bots', 'list', '--status'], 2, /argument missing/],
	[['bots', 'show'], 2, /missing required argument/],
	[['bots', 'show', 'nobody'], 1, /there is no bot nobody/],
	[['bots', 'show', '4711'], 1, /there is no bot 4711/],
	[['bots', 'show', ' '], 2, /an id or a name/],
	[['bots', 'pause', 'nobody'], 1, /there is no bot/],
	[['bots', 'resume', 'nobody'], 1, /there is no bot/],
	[['bots', 'delete', 'nobody'], 1, /there is no bot/],
	[['bots', 'execution', 'nobody', 'confirm'], 1, /there is no bot/],
	[['bots', 'execution', 'one', 'perhaps'], 2, /Expected one of AUTO, CONFIRM/],
	[['trades', 'waiting', 'all'], 2, /too many arguments/],
	[['trades', 'approve', 'one'], 2, /the id of a trade/],
	[['trades', 'approve', noTrade], 1, /there is no trade/],
	[['trades', 'reject', noTrade], 2, /required option '--reason/],
	[['trades', 'reject', noTrade, '--reason', ' '], 2, /Say why/],
	[['trades', 'reject', noTrade, '--reason', 'no'], 1, /there is no trade/],
	[['bots', 'check', 'nobody'], 1, /there is no bot/],
	[['bots', 'create', '--name', 'new'], 2, /required option/],
	[create('--interval', '7'), 2, /Expected one of 1, 5, 15, 60/],
	[create('--parameters', '{timeframe'), 2, /Expected a JSON object/],
	[create('--parameters', '[]'), 2, /Expected a JSON object/],
	[create('--parameters', '{"colour":"red"}'), 2, /colour: unknown parameter/],
	[create('--parameters', '{"entry_threshold":2}'), 2, /entry_threshold/],
	[create('--parameters', '{"weights":{"macd":0.9}}'), 2, /: weights: must sum to 1, not [\d.]+$/m],
	[create('--parameters', '{"weights":{"ema_cross":0.5,"rsi":0.5}}'), 2, /: weights\.rsi: unknown parameter$/m],
	[create('--parameters', '{"timeframe":"7m"}'), 2, /timeframe/],
	[['strategies', 'show', 'trend_following', '--version', '99'], 1, /trend_following has no version 99/],
	[['strategies', 'show', 'trend_following', '--version', 'one'], 2, /whole number above 0/],
	[['strategies', 'versions', 'astrology'], 2, /there is no strategy astrology/],
	[['strategies', 'diff', 'trend_following', '1', '99'], 1, /has no version 99/],
	[['strategies', 'diff', 'trend_following', '1', 'x'], 2, /whole number above 0/],
	[['strategies', 'set', 'trend_following'], 2, /required option/],
	[set('{"entry_threshold":2}', '--all'), 2, /entry_threshold/],
	[set('{"colour":"red"}', '--bot', 'one'), 2, /colour: unknown parameter/],
	[set('{"weights":{"macd":0.9}}', '--all'), 2, /weights: must sum to 1/],
	[set('{}', '--bot', 'nobody'), 1, /there is no bot nobody/],
	[set('{}', '--bot', 'one', '--all'), 2, /either --bot or --all/],
	[set('{}', '--from-version', '99'), 1, /has no version 99/],
	[['strategies', 'set', 'mean_reversion', '--parameters', '{}', '--bot', 'one'], 2, /one of trend_following/],
	[create('--strategy', 'astrology'), 2, /there is no strategy astrology/],
	[create('--account', 'nobody'), 1, /there is no account nobody/],
	[create('--symbol', 'TULIP/USDT'), 1, /no instrument TULIP/],
	[create('--fraction', '0.1'), 2, /either --notional, --fraction or --volatility/],
	[create('--volatility', '0.01'), 2, /either --notional, --fraction or --volatility/],
	[create('--volatility', '0'), 2, /number above 0/],
	[create('--notional', '-5'), 2, /number above 0/],
	[create('--notional', '0'), 2, /number above 0/],
	[create('--notional', '1e3'), 2, /number above 0/],
	[create('--leverage', '1000'), 2, /leverage is sane/],
	[create('--name', ''), 2, /1 to 100 characters/],
	[create('--name', '42'), 2, /not digits only/],
	[create('--name', 'x'.repeat(101)), 2, /1 to 100 characters/],
	[create('--name', 'one'), 1, /already in use/],
	[['accounts', 'create', '--name', 'new'], 2, /required option/],
	[open('--capital', 'lots'), 2, /number above 0/],
	[open('--exchange', 'mtgox'), 2, /Expected one of sim/],
	[open('--mode', 'MAYBE'), 2, /Expected one of PAPER, LIVE/],
	[open('--mode', 'LIVE'), 2, /say so with --live/],
	[open('--mode', 'LIVE', '--live'), 2, /EXCHANGE_API_KEY/],
	[open('--asset', 'usd t'), 2, /asset in capitals/],
	[open('--max-positions', '0'), 2, /whole number above 0/],
	[open('--name', 'paper'), 1, /already in use/],
	[['accounts', 'halt', 'nobody'], 1, /there is no account/],
	[['accounts', 'credentials', 'nobody'], 1, /there is no account/],
	[['accounts', 'credentials', 'paper'], 2, /account paper is PAPER: it has no credentials/],
	[['accounts', 'limits', 'paper', '--max-margin-ratio', '2'], 2, /--max-margin-ratio.*share above 0, at most 1/],
	[['accounts', 'limits', 'paper', '--max-total-exposure', '-1'], 2, /--max-total-exposure.*above 0/],
	[['accounts', 'reduce', 'nobody'], 1, /there is no account/],
	[['accounts', 'limits', 'nobody'], 1, /there is no account/],
	[['accounts', 'limits', 'paper', '--daily-loss', '-5'], 2, /--daily-loss.*above 0/],
	[['accounts', 'limits', 'paper', '--max-drawdown', '15'], 2, /--max-drawdown.*share above 0, at most 1/],
	[['accounts', 'limits', 'paper', '--max-positions', 'none'], 2, /--max-positions.*whole number above 0/],
	[open('--max-total-exposure', '-1'), 2, /--max-total-exposure.*above 0/],
	[open('--max-price-deviation', 'none'), 2, /--max-price-deviation.*share above 0/],
	[['bots', 'limit', 'nobody', '--max-position', '1'], 1, /there is no bot/],
	[['bots', 'limit', 'one', '--max-position', '0'], 2, /--max-position.*above 0/],
	[['accounts', 'margin-mode', 'nobody'], 1, /there is no account/],
	[['accounts', 'margin-mode', 'paper', '--set', 'both'], 2, /--set.*isolated, cross/],
	[['accounts', 'resume', 'nobody'], 1, /there is no account/],
	[['strategies', 'show', 'astrology'], 2, /there is no strategy/],
	[['candles', 'backfill'], 2, /required option '--timeframe/],
	[['candles', 'backfill', '--symbol', 'X', '--timeframe', '2m'], 2, /Expected one of 1m, 5m/],
	[['candles', 'backfill', '--symbol', 'X', '--timeframe', '1m', '--days', '0'], 2, /whole number above 0/],
	[['candles', 'backfill', '--symbol', 'X', '--timeframe', '1m', '--from', 'yesterday'], 2, /a time such as/],
	[['candles', 'import', 'x.csv'], 2, /required option '--instrument/],
	[['candles', 'import', 'x.csv', '--instrument', '1', '--timeframe', '7m'], 2, /Expected one of 1m, 5m/],
	[['candles', 'gaps', 'extra'], 2, /too many arguments/],
	[['candles', 'forget'], 2, /required option '--instrument/],
	[['indicators', 'x.csv'], 2, /required option '--of/],
	[['indicators', 'x.csv', '--of', 'astrology:3'], 2, /there is no indicator "astrology:3"/],
	[['indicators', 'x.csv', '--of', 'rsi:abc'], 2, /"rsi:abc" is not an indicator/],
	[['signals', 'explain', 'abc'], 2, /whole number above 0/],
	[['signals', 'explain', '99'], 1, /there is no signal 99/],
	[['pause'], 2, /one of --all, --exchange, --account or --bot/],
	[['pause', '--all', '--bot', 'one'], 2, /one of --all/],
	[['pause', '--all', '--for', 'ever'], 2, /duration such as/],
	[['pause', '--all', '--for', '0m'], 2, /duration such as/],
	[['pause', '--exchange', 'mtgox'], 2, /mtgox is not in use/],
	[['pause', '--account', 'nobody'], 1, /there is no account/],
	[['pause', '--bot', 'nobody'], 1, /there is no bot/],
	[['resume'], 2, /one of --all/],
	[['resume', '--bot', 'nobody'], 1, /there is no bot/],
	[['flatten'], 2, /one of --all, --exchange, --account or --bot/],
	[['flatten', '--all', '--account', 'paper'], 2, /one of --all/],
	[['flatten', '--account', 'nobody'], 1, /there is no account/],
	[['flatten', '--bot', 'nobody'], 1, /there is no bot/],
	[['flatten', '--all', '--wait', 'long'], 2, /whole number/],
	[['trades', 'list', '--status', 'LOST'], 2, /Expected one of PENDING/],
	[['trades', 'resolve', 'x', '--as', 'filled'], 2, /required option/],
	[resolve('x', 'filled'), 2, /the id of a trade/],
	[resolve(noTrade, 'lost'), 2, /Expected one of filled, not-filled/],
	[resolve(noTrade, 'filled'), 2, /needs --quantity and --price/],
	[resolve(noTrade, 'filled', '--quantity', '0', '--price', '1'), 2, /number above 0/],
	[resolve(noTrade, 'filled', '--quantity', '1', '--price', '1', '--fee', '-1'), 2, /number from 0 on/],
	[resolve(noTrade, 'not-filled', '--quantity', '1'), 2, /belong to --as filled/],
	[resolve(noTrade, 'not-filled', '--reason', ' '), 2, /say how it is known/],
	[resolve(noTrade, 'not-filled'), 1, /there is no trade/],
	[['accounts', 'book', 'nobody'], 2, /required option/],
	[
		[
			'accounts',
			'book',
			'paper',
			'--kind',
			'gift',
			'--asset',
			'USDT',
			'--amount',
			'1',
			'--reference',
			'a',
			'--reason',
			'b',
		],
		2,
		/Expected one of/,
	],
	[['limits', 'list', '--exchange', 'mtgox'], 1, /there are no limits of an exc/],
	[['limits', 'set', 'sim'], 2, /required option/],
	[['rollout', 'plan', 'nobody', '--steps', '10'], 1, /there is no account nobody/],
	[['rollout', 'plan', 'paper'], 2, /required option '--steps/],
	[['rollout', 'plan', 'paper', '--steps', '10@2026-12-08T09:00Z'], 2, /the first without a time/],
	[['rollout', 'plan', 'paper', '--steps', '10,50'], 2, /the others with one/],
	[['rollout', 'plan', 'paper', '--steps', '10,50@tomorrow'], 2, /got tomorrow/],
	[['rollout', 'plan', 'paper', '--steps', '10,50@2020-12-08T09:00Z'], 2, /its time must lie ahead/],
	[['rollout', 'plan', 'paper', '--steps', '10,5@2999-12-08T09:00Z'], 2, /more bots than the step before/],
	[['rollout', 'plan', 'paper', '--steps', '0'], 2, /Expected 10,50/],
	[['rollout', 'list', '--all'], 2, /unknown option/],
	[['rollout', 'cancel', 'nobody'], 1, /there is no account nobody/],
	[['breaker', 'list', '--all'], 2, /unknown option/],
	[['breaker', 'open'], 2, /missing required argument/],
	[['breaker', 'open', 'mtgox'], 1, /there is no exchange mtgox/],
	[['breaker', 'open', 'sim', '--for', 'ever'], 2, /duration such as/],
	[['breaker', 'reset', 'mtgox'], 1, /there is no exchange mtgox/],
	[['keys', 'rotate'], 2, /master\.key: the key cannot be read/],
	[['keys', 'rotate', '--new-key-file', '/nowhere/key'], 2, /the key cannot be read/],
	[['tokens', 'create'], 2, /required option/],
	[['tokens', 'create', '--role', 'king'], 2, /viewer, operator, admin/],
	[['tokens', 'create', '--role', 'viewer', '--expires-in', 'soon'], 2, /duration such as/],
	[['tokens', 'revoke', 'x'], 2, /whole number above 0/],
	[['tokens', 'revoke', '99'], 1, /no valid token 99/],
];

test.each(wrong.map(([args, code, says]) => [args.join(' '), args, code, says] as const))(
	'botbox %s',
	async (_name, args, code, says) => {
		expectOneLine(await runCommand(args, here()), { code, says });
	},
);

test('every command is among the wrong uses above, or takes nothing that could be wrong', () => {
	const paths: string[] = [];
	const visit = (command: ReturnType<typeof buildProgram>, path: readonly string[]): void => {
		if (command.commands.length === 0) paths.push(path.join(' '));
		for (const child of command.commands) visit(child, [...path, child.name()]);
	};
	visit(buildProgram(), []);
	const typed = wrong.map(([args]) => `${args.join(' ')} `);
	const untried = paths.filter((path) => !typed.some((line) => line.startsWith(`${path} `)));
	expect(untried).toEqual(['db url', 'accounts list', 'accounts foreign', 'strategies list', 'tokens list']);
});

const environment: readonly (readonly [env: Readonly<Record<string, string>>, code: number, says: RegExp])[] = [
	[{ DATABASE_URL: 'mysql://secret@localhost/x' }, 2, /^botbox: DATABASE_URL: expected postgres:/],
	[{ DATABASE_URL: 'postgres://me:secret@[/x' }, 2, /^botbox: DATABASE_URL: expected postgres:/],
	[{ DATABASE_URL: nobodyListens }, 1, /the database cannot be reached: .*ECONNREFUSED/],
	[{ DATABASE_DIRECT_URL: 'secret' }, 2, /DATABASE_DIRECT_URL: expected postgres:/],
	[{ DATABASE_URL: '', DATABASE_DIRECT_URL: nobodyListens }, 2, /DATABASE_DIRECT_URL: expected DATABASE_URL beside it/],
	[{ DATABASE_READ_URL: 'secret' }, 2, /DATABASE_READ_URL: expected/],
	[{ BOTBOX_PORT: 'abc' }, 2, /BOTBOX_PORT: expected a port number, got "abc"/],
	[{ BOTBOX_PORT: '65536' }, 2, /BOTBOX_PORT/],
	[{ BOTBOX_HOST: 'my host' }, 2, /BOTBOX_HOST: expected/],
	[{ BOTBOX_MASTER_KEY: 'c2VjcmV0' }, 2, /BOTBOX_MASTER_KEY: expected 32 bytes in base64/],
	[{ BOTBOX_HEARTBEAT_URL: 'secret' }, 2, /BOTBOX_HEARTBEAT_URL: expected an address/],
	[{ BOTBOX_LOG_LEVEL: 'loud' }, 2, /BOTBOX_LOG_LEVEL/],
	[{ BOTBOX_CHECK_SPREAD_SECONDS: '60' }, 2, /BOTBOX_CHECK_SPREAD_SECONDS: expected whole seconds from 0 to 59/],
	[{ BOTBOX_KEEP_MINUTES_DAYS: '6' }, 2, /BOTBOX_KEEP_MINUTES_DAYS: expected whole days from 7 to 36500, got "6"/],
	[{ BOTBOX_KEEP_CHECKS_HOURS: '1d' }, 2, /BOTBOX_KEEP_CHECKS_HOURS: expected whole hours from 2/],
	[{ BOTBOX_KEEP_SIGNALS_DAYS: '0' }, 2, /BOTBOX_KEEP_SIGNALS_DAYS: expected whole days from 2/],
	[{ BOTBOX_FOO: '1' }, 2, /BOTBOX_FOO: no such setting; there are DATABASE_URL/],
];

test.each(environment.map(([env, code, says]) => [JSON.stringify(env), env, code, says] as const))(
	'botbox bots list with %s',
	async (_name, env, code, says) => {
		expectOneLine(await runCommand(['bots', 'list'], { ...here(), ...env }), { code, says });
	},
);

test('a command that reads no setting refuses a wrong one all the same', async () => {
	const result = await runCommand(['strategies', 'show', 'trend_following'], { ...here(), BOTBOX_PORT: 'abc' });
	expectOneLine(result, { code: 2, says: /BOTBOX_PORT/ });
});

test.each([['status'], ['bots list'], ['doctor --nonsense'], ['db url']])(
	'without a database anywhere, botbox %s says so and makes none',
	async (line) => {
		const result = await runCommand(line.split(' '), { ...here(), DATABASE_URL: '' });
		const isUsage = line.includes('nonsense');
		expectOneLine(result, { code: isUsage ? 2 : 1, says: isUsage ? /unknown option/ : /there is no database in/ });
	},
);

const recordings: Readonly<Record<string, readonly [name: string, content: string, says: RegExp]>> = {
	'without a market in its name': ['candles.csv', 'timestamp,open,high,low,close,volume\n', /candles\.csv/],
	'with another header': ['BTC-USDT_1m.csv', 'time,price\n1,2\n', /BTC-USDT_1m\.csv:1: expected the header/],
	'without candles': ['BTC-USDT_1m.csv', 'timestamp,open,high,low,close,volume\n', /expected at least two candles/],
	'with a high below its low': [
		'BTC-USDT_1m.csv',
		'timestamp,open,high,low,close,volume\n1767225600,2,1,3,2,1\n1767225660,2,3,1,2,1\n',
		/BTC-USDT_1m\.csv:2/,
	],
};

test.each(Object.entries(recordings))('a recording %s', async (_title, [name, content, says]) => {
	const folder = await mkdtemp(join(tmpdir(), 'botbox-recording-'));
	const file = join(folder, name);
	await writeFile(file, content);
	try {
		for (const command of ['up', 'simulator']) {
			expectOneLine(await runCommand([command, '--market', file], here()), { code: 2, says });
		}
		expect(await readdir(folder)).toEqual([name]);
	} finally {
		await rm(folder, { recursive: true });
	}
});

// The executable itself, for a few: its exit code is the process's, and nothing keeps it alive.
test.each([
	['nonsense', {}, 2, /unknown command/],
	['bots list', { BOTBOX_PORT: 'abc' }, 2, /BOTBOX_PORT/],
	['worker', { DATABASE_URL: nobodyListens }, 1, /the database cannot be reached/],
	['migrate', { DATABASE_URL: nobodyListens }, 1, /the database cannot be reached/],
] as const)('the executable: botbox %s with %o', async (line, env, code, says) => {
	expectOneLine(await spawnCommand(line.split(' '), { ...here(), ...env }), { code, says });
});

test.each([['worker'], ['api'], ['status']])(
	'the executable: botbox %s on a database without schema',
	async (command) => {
		const result = await spawnCommand([command], {
			...here(),
			DATABASE_URL: empty.url,
			BOTBOX_PORT: '0',
		});
		expectOneLine(result, { code: 1, says: /the database has no botbox schema yet: run botbox migrate/ });
		const { rows } = await empty.pool.query(`select nspname from pg_namespace where nspname in ('botbox', 'pgboss')`);
		expect(rows).toEqual([]);
	},
);

test('doctor on a database without schema says what to run, and exits 1', async () => {
	const result = await runCommand(['doctor', '--json'], { ...here(), DATABASE_URL: empty.url });
	expect(result.code).toBe(1);
	const findings = JSON.parse(result.stdout) as { name: string; ok: boolean; mend?: string }[];
	expect(findings.find(({ name }) => name === 'schema')).toMatchObject({ ok: false, mend: 'run botbox migrate' });
});
