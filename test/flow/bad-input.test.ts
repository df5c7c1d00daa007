/**
 * What can be wrong with an account and what it is to trade, one by one, through the executor on the simulated exchange: one clear error, the
 * account HALTED where trading would be unsafe and only there, every signal, trade and order in a final state, and nothing lost.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { replaceCredentials, setAccountLimits, setAccountStatus } from '../../src/database/functions/administration.ts';
import { encryptCredentials } from '../../src/exchange/credentials.ts';
import { createVenues } from '../../src/exchange/registry.ts';
import { executeTrades } from '../../src/workers/execute-trades.ts';
import { guardPositions } from '../../src/workers/guard-positions.ts';
import { runMonitor } from '../../src/workers/monitor.ts';
import { reconcileAccounts } from '../../src/workers/reconcile.ts';
import { runCommand } from '../cli/command.ts';
import { type Decision, decide } from '../support/factories/trading.ts';
import type { Bot } from '../support/factories/world.ts';
import { type LiveAccount, openLiveAccount } from '../support/live-account.ts';
import { masterKey, type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

let system: SimulatedSystem;
let account: LiveAccount;
let instrument: LiveAccount['perpetuals'][0];
let bot: Bot;
let taken = 0;

beforeAll(async () => {
	system = await startSimulatedSystem({ simulator: { instrumentCount: 14 } });
});
afterAll(() => system.close());
// An account with a key, an instrument and a bot of its own for each: more instruments than accounts are opened.
beforeEach(() => open());

async function open(balances?: Readonly<Record<string, string>>): Promise<void> {
	account = await openLiveAccount(system, 100_000, balances);
	instrument = nextInstrument();
	bot = await account.makeBot(instrument);
}

/** One of those that the exchange has. */
function nextInstrument(): LiveAccount['perpetuals'][0] {
	const listed = account.perpetuals.filter(({ exchangeSymbol }) => exchangeSymbol !== 'NOPEUSDT');
	taken += 1;
	return listed[taken % listed.length] ?? { id: 0, symbol: '', exchangeSymbol: '' };
}

const accountState = async () => {
	const { status, reason } = await account.one<{ status: string; reason: string | null }>(
		'select status, status_reason as reason from botbox.accounts where id = $1',
		account.id,
	);
	return reason === null ? status : `${status}: ${reason}`;
};
const alertOf = async (code: string) =>
	await account.one<{ severity: string; message: string }>(
		'select severity, message from botbox.alerts where code = $1 and subject = $2 and resolved_at is null',
		code,
		`account ${account.id}`,
	);
const tradeOf = (decision: Decision) =>
	account.one<{ status: string; reason: string | null; error: string | null; orders: string[] }>(
		`select t.status, t.reason_code as reason, t.error,
			array(select o.status::text from botbox.orders o where o.trade_id = t.id) as orders
		from botbox.trade_queue t where t.id = $1`,
		decision.tradeId,
	);
const signalOf = (decision: Decision) =>
	account.one<{ status: string; reason: string; details: Record<string, unknown> }>(
		'select status, reason_code as reason, details from botbox.signals where id = $1',
		decision.signalId,
	);
const positionOf = (of: Bot) =>
	account.one<{ status: string; quantity: number }>(
		'select status, quantity::float8 as quantity from botbox.positions where bot_id = $1',
		of.id,
	);
/** Orders of ours that the exchange has accepted. */
const accepted = () =>
	system.simulator.orders({ apiKey: account.credentials.apiKey }).filter(({ orderLinkId }) => orderLinkId !== '');
const requests = () => (system.simulator.requests() as { total: number }).total;
const atExchange = async () =>
	(await (await account.venue()).positions()).map(({ quantity }) => Math.abs(Number(quantity)));
const store = (key: { apiKey: string; secret: string }) =>
	replaceCredentials(system.database.pool, {
		...{ accountId: account.id, now: system.now() },
		credentials: encryptCredentials(key, masterKey),
	});
const resume = () =>
	setAccountStatus(system.database.pool, { accountId: account.id, status: 'ACTIVE', now: system.now() });
/** A worker that starts now: it knows the credentials that are stored, and no others. */
const startedNow = () => ({
	...system.context,
	venues: createVenues({
		...{ pool: system.database.pool, workerId: 'started-now', log: system.context.log, masterKey, liveAccounts: [] },
		clock: () => system.now().getTime(),
		sleep: system.context.sleep,
	}),
});
/** So many minutes of executor, reconciliation and monitor. */
async function minutes(count: number): Promise<void> {
	for (let minute = 0; minute < count; minute += 1) {
		await account.reconcile();
		await guardPositions(system.context, system.now());
		await system.settle();
		await runMonitor(system.context, system.now());
		await system.settle();
	}
}
/** No trade and no order of the account goes on: each has ended, and what is booked is what the exchange has. */
async function expectAllEnded(): Promise<void> {
	expect(
		await account.one(
			`select (select count(*)::int from botbox.trade_queue where account_id = $1 and finished_at is null) as trades,
				(select count(*)::int from botbox.orders where account_id = $1 and finished_at is null) as orders`,
			account.id,
		),
	).toEqual({ trades: 0, orders: 0 });
	await account.reconcile();
	expect(await account.alerts('RECONCILIATION%')).toEqual([]);
	expect(await account.alerts('FOREIGN%')).toEqual([]);
}
/** Nothing has been lost by it: the same bot trades as if nothing had been. */
async function expectToTradeAgain(): Promise<void> {
	await account.trade(bot);
	await account.trade(bot, { direction: 'CLOSE' });
	expect(await atExchange()).toEqual([]);
	await expectAllEnded();
	expect(await account.alerts()).toEqual([]);
	expect(await accountState()).toBe('ACTIVE');
}

test('wrong credentials: HALTED at the first call, what was queued expires unsent, and the right ones go on', async () => {
	const queued = await account.decide(bot);
	await store({ apiKey: 'nobody has this', secret: 'nor that' });
	await reconcileAccounts(startedNow(), { all: true, now: system.now() });
	expect(await accountState()).toBe('HALTED: sim does not take the key: it is not known there (10003)');
	expect(await account.alerts()).toEqual([`CREDENTIALS_REFUSED account ${account.id}`]);
	expect(await alertOf('CREDENTIALS_REFUSED')).toEqual({
		severity: 'CRITICAL',
		message: `Account ${account.name} is HALTED, nothing is sent for it: sim does not take the key: it is not known there (10003). Give it a key with botbox accounts credentials, then resume it`,
	});
	expect(await signalOf(await account.decide(bot))).toMatchObject({
		...{ status: 'REJECTED', reason: 'ACCOUNT_HALTED', details: { account: account.name } },
	});
	system.skip(300_000);
	await minutes(1);
	expect(await tradeOf(queued)).toEqual({ status: 'EXPIRED', reason: 'TTL_EXPIRED', error: null, orders: [] });
	expect(accepted()).toEqual([]);
	await store(account.credentials);
	await resume();
	await expectToTradeAgain();
});

test('a revoked key: the close that met it is FAILED under its alert, the position and its stop stand, and a new key closes it', async () => {
	await account.trade(bot, { stopLossFraction: 0.05 });
	const { quantity } = await positionOf(bot);
	const close = await account.decide(bot, { direction: 'CLOSE' });
	system.simulator.registerKey({ ...account.credentials, secret: 'made anew there' });
	await system.settle();
	expect(await accountState()).toBe('HALTED: sim does not take the key: the secret does not belong to it (10004)');
	expect(await account.alerts()).toEqual([
		expect.stringMatching(/^CLOSE_FAILED position /),
		`CREDENTIALS_REFUSED account ${account.id}`,
	]);
	expect(await tradeOf(close)).toMatchObject({
		...{ status: 'FAILED', reason: 'EXCHANGE_REFUSED', orders: ['REJECTED'] },
		error: expect.stringMatching(/^10004 /),
	});
	expect(await positionOf(bot)).toEqual({ status: 'OPEN', quantity });
	// However long it takes, nothing more is sent.
	const before = requests();
	system.skip(600_000);
	await system.settle();
	await runMonitor(system.context, system.now());
	await system.settle();
	const key = { ...account.credentials, secret: 'made anew there' };
	await store(key);
	expect(accepted()).toHaveLength(1);
	expect(requests() - before).toBeLessThan(20);
	expect(await atExchange()).toEqual([quantity]);
	await resume();
	await minutes(2);
	expect(await positionOf(bot)).toMatchObject({ status: 'CLOSED' });
	await expectToTradeAgain();
});

test('an unknown symbol: the entry ends at once and says so, the account goes on, and the next is refused before it is queued', async () => {
	const { pool } = system.database;
	for (const [marketType, symbol, ended] of [
		// Its leverage cannot be set, so that it has no order.
		[
			'LINEAR',
			'NOPE/USDT:USDT',
			{ reason: 'INSTRUMENT_NOT_TRADING', error: 'sim does not trade NOPE/USDT:USDT any more', orders: [] },
		],
		[
			'SPOT',
			'NOPE/USDT',
			{
				reason: 'EXCHANGE_REFUSED',
				error: expect.stringMatching(/Invalid symbol|does not have market symbol/),
				orders: ['REJECTED'],
			},
		],
	] as const) {
		const made = await account.one<{ id: number }>(
			`insert into botbox.instruments (exchange_id, symbol, exchange_symbol, market_type, base_asset, quote_asset, settle_asset, tick_size, lot_size, refreshed_at)
			values ('sim', $1, 'NOPEUSDT', $2, 'NOPE', 'USDT', 'USDT', 0.01, 0.01, $3) returning id`,
			...[symbol, marketType, system.now()],
		);
		const lost = await account.makeBot(made);
		// The market list is read after a refusal once a minute.
		system.skip(60_000);
		const decision = await decide(pool, lost, { price: 10, now: system.now() });
		expect(decision).toMatchObject({ outcome: 'QUEUED' });
		await system.settle();
		await minutes(1);
		expect(await tradeOf(decision)).toEqual({ status: 'FAILED', ...ended });
		expect(await signalOf(await decide(pool, lost, { price: 10, now: system.now() }))).toMatchObject({
			...{ status: 'REJECTED', reason: 'INSTRUMENT_NOT_TRADING', details: { symbol } },
		});
		const { rows } = await pool.query(
			`select severity, message from botbox.alerts where code = 'INSTRUMENT_DELISTED' and subject = $1 and resolved_at is null`,
			[`sim ${symbol}`],
		);
		expect(rows).toEqual([
			{ severity: 'WARNING', message: `sim no longer trades ${symbol}: 0 open positions there, 1 active bots` },
		]);
	}
	expect(await accountState()).toBe('ACTIVE');
	expect(accepted()).toEqual([]);
	await expectToTradeAgain();
});

test('a delisted instrument: entries end, what is held stays under a CRITICAL alert, and is closed once it can be', async () => {
	await account.trade(bot);
	const { quantity } = await positionOf(bot);
	const other = await account.makeBot(instrument);
	const [entry, close] = [await account.decide(other), await account.decide(bot, { direction: 'CLOSE' })];
	const market = { symbol: instrument.exchangeSymbol, category: 'linear' } as const;
	system.simulator.changeInstrument({ ...market, isDelisted: true });
	await system.settle();
	await minutes(1);
	expect(await tradeOf(entry)).toMatchObject({
		status: 'FAILED',
		error: expect.stringMatching(/Not supported symbols|does not trade/),
	});
	expect(await tradeOf(close)).toMatchObject({ status: 'FAILED', reason: 'EXCHANGE_REFUSED', orders: ['REJECTED'] });
	expect(await positionOf(bot)).toEqual({ status: 'OPEN', quantity });
	expect(await accountState()).toBe('ACTIVE');
	expect(await account.alerts()).toEqual([expect.stringMatching(/^CLOSE_FAILED position /)]);
	const delisted = () =>
		account.one<{ severity: string; message: string; open: boolean }>(
			`select severity, message, resolved_at is null as open from botbox.alerts where code = 'INSTRUMENT_DELISTED' and subject = $1`,
			`sim ${instrument.symbol}`,
		);
	expect(await delisted()).toEqual({
		...{ severity: 'CRITICAL', open: true },
		message: `sim no longer trades ${instrument.symbol}: 1 open positions there, 2 active bots`,
	});
	expect(await signalOf(await account.decide(other))).toMatchObject({
		...{ status: 'REJECTED', reason: 'INSTRUMENT_NOT_TRADING', details: { symbol: instrument.symbol } },
	});
	expect(accepted()).toHaveLength(1);

	system.simulator.changeInstrument({ ...market, isDelisted: false });
	system.skip(3_600_000);
	await minutes(3);
	expect(await positionOf(bot)).toMatchObject({ status: 'CLOSED' });
	expect(await delisted()).toMatchObject({ open: false });
	await expectToTradeAgain();
});

test('zero balance: nothing is entered, with the figures; money that went away behind our back is refused once, and neither HALTs', async () => {
	await open({ USDT: '0' });
	const poor = await account.decide(bot);
	expect(await signalOf(poor)).toMatchObject({
		...{ status: 'REJECTED', reason: 'INSUFFICIENT_CAPITAL' },
		details: { available: 0 },
	});
	expect(poor.tradeId).toBeNull();
	expect(await accountState()).toBe('ACTIVE');
	await expectAllEnded();

	await open();
	const robbed = await account.decide(bot);
	system.simulator.addFault({ kind: 'insufficient_funds', apiKey: account.credentials.apiKey });
	await system.settle();
	await minutes(1);
	expect(await tradeOf(robbed)).toMatchObject({
		...{ status: 'FAILED', reason: 'EXCHANGE_REFUSED', orders: ['REJECTED'] },
		error: '110007 ab not enough for new order',
	});
	expect(accepted()).toEqual([]);
	await expectToTradeAgain();
});

test('negative limits: refused by name and figure, on the command line and in the database, and the old ones stay in force', async () => {
	const { pool, url } = system.database;
	await setAccountLimits(pool, { accountId: account.id, limits: { max_total_exposure: 1_500 }, now: system.now() });
	const limits = () =>
		account.one(
			'select max_total_exposure::float8 as exposure, max_positions, max_drawdown from botbox.accounts where id = $1',
			account.id,
		);
	const before = await limits();
	for (const [option, value, says] of [
		['--max-total-exposure', '-1', /--max-total-exposure.*above 0.*-1|--max-total-exposure.*-1.*above 0/s],
		['--max-drawdown', '-0.1', /--max-drawdown.*share above 0/s],
		['--max-positions', '-3', /--max-positions.*whole number above 0/s],
	] as const) {
		const refused = await runCommand(['accounts', 'limits', account.name, option, value], { DATABASE_URL: url });
		expect(refused).toMatchObject({ code: 2, stdout: '' });
		expect(refused.stderr).toMatch(/^botbox: [^\n]+\n$/);
		expect(refused.stderr).toMatch(says);
	}
	await expect(
		setAccountLimits(pool, { accountId: account.id, limits: { max_total_exposure: -1 }, now: system.now() }),
	).rejects.toThrow('max_total_exposure: expected a number from 0 to 10^18, got -1');
	expect(await limits()).toEqual(before);
	await account.trade(bot);
	const second = await account.makeBot(instrument);
	expect(await signalOf(await account.decide(second))).toMatchObject({ status: 'REJECTED', reason: 'TOTAL_EXPOSURE' });
	await account.trade(bot, { direction: 'CLOSE' });
	await expectToTradeAgain();
});

test('a corrupt encrypted value: HALTED by the process that meets it, what was queued expires unsent, and a stored key goes on', async () => {
	await account.trade(bot, { stopLossFraction: 0.05 });
	const held = await positionOf(bot);
	const other = await account.makeBot(nextInstrument());
	const queued = await account.decide(other);
	expect(queued).toMatchObject({ outcome: 'QUEUED' });
	await system.database.pool.query(
		'update botbox.accounts set credentials = set_byte(credentials, 40, 255 - get_byte(credentials, 40)) where id = $1',
		[account.id],
	);
	await executeTrades(startedNow(), system.now());
	expect(await accountState()).toBe('HALTED: The exchange credentials cannot be decrypted: they are damaged');
	expect(await account.alerts()).toEqual([`CREDENTIALS_UNREADABLE account ${account.id}`]);
	expect(await alertOf('CREDENTIALS_UNREADABLE')).toMatchObject({
		severity: 'CRITICAL',
		message: expect.stringMatching(/ is HALTED, nothing is sent for it: .* they are damaged\. Give it a key /),
	});
	system.skip(300_000);
	await runMonitor(system.context, system.now());
	expect(await tradeOf(queued)).toEqual({
		...{ status: 'EXPIRED', reason: 'TTL_EXPIRED', orders: [] },
		error: 'The exchange credentials cannot be decrypted: they are damaged',
	});
	expect(await positionOf(bot)).toEqual(held);
	await store(account.credentials);
	await resume();
	expect(await atExchange()).toEqual([held.quantity]);
	await account.trade(bot, { direction: 'CLOSE' });
	await expectToTradeAgain();
});
