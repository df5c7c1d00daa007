/** What is wrong with a key is told once and clearly, HALTs its account, and loses nothing. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { replaceCredentials, setAccountStatus } from '../../src/database/functions/administration.ts';
import { encryptCredentials } from '../../src/exchange/credentials.ts';
import { createVenues } from '../../src/exchange/registry.ts';
import { executeTrades } from '../../src/workers/execute-trades.ts';
import { runMonitor } from '../../src/workers/monitor.ts';
import { type LiveAccount, openLiveAccount } from '../support/live-account.ts';
import { masterKey, type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

let system: SimulatedSystem;
let account: LiveAccount;
let instrument: LiveAccount['perpetuals'][0];
beforeAll(async () => {
	system = await startSimulatedSystem({ simulator: { instrumentCount: 2 } });
});
// Each test has an account of its own, with a key of its own.
beforeEach(async () => {
	account = await openLiveAccount(system);
	[instrument] = account.perpetuals as [LiveAccount['perpetuals'][0]];
});
afterAll(() => system.close());

const state = () =>
	account.one<{ status: string; reason: string | null }>(
		'select status, status_reason as reason from botbox.accounts where id = $1',
		account.id,
	);
const position = (botId: number) =>
	account.one<{ status: string; quantity: number }>(
		'select status, quantity::float8 as quantity from botbox.positions where bot_id = $1',
		botId,
	);
const trades = async (botId: number) =>
	(
		await system.database.pool.query<{ status: string }>(
			'select status from botbox.trade_queue where bot_id = $1 order by queued_at',
			[botId],
		)
	).rows.map(({ status }) => status);
/** As the exchange does when a person deletes a key there. */
const revoke = () => system.simulator.registerKey({ ...account.credentials, secret: 'nobody has this' });
const store = (credentials: { apiKey: string; secret: string }) =>
	replaceCredentials(system.database.pool, {
		accountId: account.id,
		credentials: encryptCredentials(credentials, masterKey),
		now: system.now(),
	});
const resume = () =>
	setAccountStatus(system.database.pool, { accountId: account.id, status: 'ACTIVE', now: system.now() });

test('a key revoked while a position is held: HALTED under one alert, the position stays, and a new key goes on with it', async () => {
	const bot = await account.makeBot(instrument);
	await account.trade(bot);
	const held = await position(bot.id);
	revoke();
	await account.reconcile();
	expect(await account.alerts('CREDENTIALS%')).toEqual([`CREDENTIALS_REFUSED account ${account.id}`]);
	expect(await state()).toEqual({
		status: 'HALTED',
		reason: expect.stringMatching(/^sim does not take the key: the secret does not belong to it \(10004\)$/),
	});
	const alert = await account.one<{ severity: string; message: string }>(
		`select severity, message from botbox.alerts where code = 'CREDENTIALS_REFUSED' and subject = $1`,
		`account ${account.id}`,
	);
	expect(alert.severity).toBe('CRITICAL');
	expect(alert.message).toMatch(new RegExp(`^Account ${account.name} is HALTED, nothing is sent for it: `));
	for (const secret of Object.values(account.credentials)) expect(alert.message).not.toContain(secret);
	expect(await position(bot.id)).toEqual(held);
	expect(await account.decide(bot, { direction: 'CLOSE' })).toMatchObject({ reasonCode: 'ACCOUNT_HALTED' });

	// The same key resumed is refused again; the new one is taken without a restart.
	await resume();
	await account.reconcile();
	expect((await state()).status).toBe('HALTED');
	system.simulator.registerKey({ ...account.credentials, secret: 'a new secret' });
	await store({ ...account.credentials, secret: 'a new secret' });
	await resume();
	await account.reconcile();
	expect(await state()).toMatchObject({ status: 'ACTIVE' });
	expect(await account.alerts()).toEqual([]);
	await account.trade(bot, { direction: 'CLOSE' });
	expect(await position(bot.id)).toMatchObject({ status: 'CLOSED' });
});

test('a close that met the revoked key is sent once the account has a new one', async () => {
	const bot = await account.makeBot(instrument);
	await account.trade(bot);
	expect(await account.decide(bot, { direction: 'CLOSE' })).toMatchObject({ outcome: 'QUEUED' });
	revoke();
	await executeTrades(system.context, system.now());
	expect(await state()).toMatchObject({ status: 'HALTED' });
	expect(await trades(bot.id)).toEqual(['EXECUTED', 'FAILED']);
	expect(await position(bot.id)).toMatchObject({ status: 'OPEN' });
	system.simulator.registerKey(account.credentials);
	await resume();
	system.skip(120_000);
	await account.reconcile();
	await runMonitor(system.context, system.now());
	await system.settle();
	expect(await trades(bot.id)).toEqual(['EXECUTED', 'FAILED', 'EXECUTED']);
	expect(await position(bot.id)).toMatchObject({ status: 'CLOSED' });
	expect(await account.alerts()).toEqual([]);
});

test('the end of a key that was replaced already HALTs nothing', async () => {
	const fresh = { apiKey: `${account.credentials.apiKey}-2`, secret: 'second' };
	system.simulator.registerKey(fresh);
	await account.venue();
	await store(fresh);
	revoke();
	// The process still holds the old key, is refused, and takes the stored one from then on.
	await account.reconcile();
	expect(await state()).toMatchObject({ status: 'ACTIVE' });
	expect(await account.alerts('CREDENTIALS%')).toEqual([]);
	expect(await (await account.venue()).positions()).toEqual([]);
});

test('an encrypted value that was damaged HALTs the account; another master key is a matter of the process', async () => {
	const { pool } = system.database;
	const venuesWith = (key: string) =>
		createVenues({
			pool,
			workerId: 'test',
			log: system.context.log,
			masterKey: key,
			liveAccounts: [],
			clock: () => system.now().getTime(),
		});
	const other = Buffer.alloc(32, 9).toString('base64');
	await expect(venuesWith(other).tradingVenue(account.id)).rejects.toMatchObject({ code: 'CREDENTIALS_UNREADABLE' });
	expect(await state()).toMatchObject({ status: 'ACTIVE' });
	expect(await account.alerts()).toEqual([]);

	await pool.query(
		'update botbox.accounts set credentials = set_byte(credentials, 40, 255 - get_byte(credentials, 40)) where id = $1',
		[account.id],
	);
	await expect(venuesWith(masterKey).tradingVenue(account.id)).rejects.toMatchObject({
		code: 'CREDENTIALS_UNREADABLE',
		message: 'The exchange credentials cannot be decrypted: they are damaged',
	});
	expect(await state()).toMatchObject({ status: 'HALTED' });
	expect(await account.alerts()).toEqual([`CREDENTIALS_UNREADABLE account ${account.id}`]);
	await store(account.credentials);
	await resume();
	expect(await account.alerts()).toEqual([]);
	expect(await (await venuesWith(masterKey).tradingVenue(account.id)).positions()).toEqual([]);
});
