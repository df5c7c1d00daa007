import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAccount } from '../../src/database/functions/administration.ts';
import { encryptCredentials } from '../../src/exchange/credentials.ts';
import { createVenues } from '../../src/exchange/registry.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { masterKey, quietLog } from './harness.ts';

let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());

const open = (liveAccounts: readonly string[] = [], key = masterKey) =>
	createVenues({ pool: database.pool, workerId: 'w', log: quietLog, masterKey: key, liveAccounts });

let accounts = 0;
async function openAccount(exchangeId: string, mode: 'LIVE' | 'PAPER'): Promise<{ accountId: number; name: string }> {
	accounts += 1;
	const name = `registry ${accounts}`;
	const credentials = encryptCredentials({ apiKey: 'k-123', secret: 's-456' }, masterKey);
	const accountId = await createAccount(database.pool, {
		name,
		exchangeId,
		mode,
		settleAsset: 'USDT',
		capital: 1_000,
		...(mode === 'LIVE' ? { credentials } : {}),
	});
	return { accountId, name };
}

describe('venues', () => {
	test('are made once, also when asked for at once', async () => {
		const venues = open();
		const { accountId } = await openAccount('bybit', 'PAPER');
		const [first, second] = await Promise.all([venues.tradingVenue(accountId), venues.tradingVenue(accountId)]);
		expect(first).toBe(second);
		expect(first).toMatchObject({ accountId, exchangeId: 'bybit' });
		expect(await venues.marketData('binance')).toBe(await venues.marketData('binance'));
	});

	test('of LIVE accounts need leave by name, except on the simulated exchange', async () => {
		const { accountId, name } = await openAccount('bybit', 'LIVE');
		await expect(open().tradingVenue(accountId)).rejects.toMatchObject({ code: 'FORBIDDEN' });
		await expect(open(['another']).tradingVenue(accountId)).rejects.toMatchObject({ code: 'FORBIDDEN' });
		expect(await open([name]).tradingVenue(accountId)).toMatchObject({ accountId });

		const simulated = await openAccount('sim', 'LIVE');
		const venues = open();
		await expect(venues.tradingVenue(simulated.accountId)).rejects.toMatchObject({ code: 'EXCHANGE_UNAVAILABLE' });
		await database.pool.query(`update botbox.exchanges set base_url = 'http://127.0.0.1:1' where id = 'sim'`);
		// What failed is made anew.
		expect(await venues.tradingVenue(simulated.accountId)).toMatchObject({ exchangeId: 'sim' });
	});

	test('testnets are LIVE too', async () => {
		const { accountId } = await openAccount('binance_testnet', 'LIVE');
		await expect(open().tradingVenue(accountId)).rejects.toMatchObject({ code: 'FORBIDDEN' });
	});

	test('cannot be had for what is not there, or with another master key', async () => {
		await expect(open().marketData('nowhere')).rejects.toMatchObject({ code: 'NOT_FOUND' });
		await expect(open().tradingVenue(999_999)).rejects.toMatchObject({ code: 'ACCOUNT_NOT_FOUND' });
		const { accountId, name } = await openAccount('bybit', 'LIVE');
		const other = open([name], randomBytes(32).toString('base64'));
		await expect(other.tradingVenue(accountId)).rejects.toMatchObject({ code: 'CREDENTIALS_UNREADABLE' });
	});
});
