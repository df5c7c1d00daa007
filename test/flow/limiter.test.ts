/** The limiter through the whole system: many entries at once are worked off without an alarm, and closes go before all else. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { acquireCall, monitorHealth, recordLimitReport } from '../../src/database/functions/guards.ts';
import { publishedLimits } from '../../src/simulator/http/limits.ts';
import { executeTrades } from '../../src/workers/execute-trades.ts';
import { guardPositions } from '../../src/workers/guard-positions.ts';
import { decide, queueTrade } from '../support/factories/trading.ts';
import { type LiveAccount, openLiveAccount } from '../support/live-account.ts';
import { type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

let system: SimulatedSystem;
beforeAll(async () => {
	// Bybit's published limits, other than in most flows.
	system = await startSimulatedSystem({ simulator: { instrumentCount: 2, limits: publishedLimits } });
});
afterAll(() => system.close());

const statuses = async (account: LiveAccount) => {
	const { rows } = await system.database.pool.query<{ direction: string; status: string }>(
		'select direction, status from botbox.trade_queue where account_id = $1 order by queued_at, id',
		[account.id],
	);
	return rows.map(({ direction, status }) => `${direction} ${status}`);
};
const denials = async () => {
	await monitorHealth(system.database.pool, { now: system.now() });
	const { rowCount } = await system.database.pool.query(
		`select from botbox.alerts where code = 'LIMITER_DENIALS' and resolved_at is null and subject like '%order_linear'`,
	);
	return rowCount;
};

test('twenty bots that enter at once are sent one after the other, within half a minute, and nothing is told as denied', async () => {
	const account = await openLiveAccount(system, 1_000_000);
	const [instrument] = account.perpetuals as [LiveAccount['perpetuals'][0]];
	await system.database.pool.query('update botbox.accounts set max_positions = 100 where id = $1', [account.id]);
	const bots = await Promise.all(Array.from({ length: 20 }, () => account.makeBot(instrument, { notional: 500 })));
	await guardPositions(system.context, system.now());
	const [first] = bots;
	const price = await account.lastPrice(first ?? { instrumentId: 0 });
	for (const bot of bots) await queueTrade(system.database.pool, bot, { price, now: system.now() });
	const before = system.now().getTime();
	// Trades that are handed back are due again in a moment; what the executor's loop waits between its rounds is 300 ms.
	for (
		let round = 0;
		round < 200 && (await statuses(account)).some((status) => status.endsWith('PENDING'));
		round += 1
	) {
		await executeTrades(system.context, system.now());
		system.skip(300);
	}
	expect(await statuses(account)).toEqual(Array(20).fill('LONG EXECUTED'));
	expect(system.now().getTime() - before).toBeLessThan(30_000);
	const { asked } = await account.one<{ asked: number }>(
		`select denied_count::int as asked from botbox.rate_limits where scope = 'ACCOUNT' and scope_key = $1 and bucket = 'order_linear'`,
		String(account.id),
	);
	expect(asked).toBeGreaterThan(10);
	expect(await denials()).toBe(0);
});

test('beyond 90% of the limit entries wait, and a close is sent at once, by the tokens that are kept for it', async () => {
	const account = await openLiveAccount(system);
	const [held, wanted] = account.perpetuals as [LiveAccount['perpetuals'][0], LiveAccount['perpetuals'][0]];
	const bot = await account.makeBot(held);
	await account.trade(bot);
	const other = await account.makeBot(wanted);
	const entry = await account.decide(other);
	const close = await decide(system.database.pool, bot, {
		...{ direction: 'CLOSE', price: await account.lastPrice(bot), now: system.now() },
	});
	const bucket = { exchangeId: 'sim', scope: 'ACCOUNT', scopeKey: String(account.id), bucket: 'order_linear' } as const;
	await recordLimitReport(system.database.pool, { ...bucket, used: 9.5, now: system.now() });
	// Everything that ordinary calls may take is taken, of the account and of the address.
	const take = async (accountKey?: string) => {
		const call = { exchangeId: 'sim', workerId: 'other', calls: 20, now: system.now() };
		const ours = accountKey === undefined ? {} : { accountKey, accountBucket: 'order_linear' };
		for (;;) if ((await acquireCall(system.database.pool, { ...call, ...ours }))[0]?.isGranted !== true) return;
	};
	await take(String(account.id));
	await take();

	const wantedAt = system.now().getTime();
	await executeTrades(system.context, system.now());
	const sentAt = system.simulator.orders({ apiKey: account.credentials.apiKey }).at(-1)?.createdTime ?? 0;
	expect(await account.one('select status from botbox.trade_queue where id = $1', close.tradeId)).toEqual({
		status: 'EXECUTED',
	});
	// The 0.4 orders that were kept make one whole in 79 ms; an ordinary call would have waited for twice as long.
	expect(sentAt - wantedAt).toBeLessThan(100);
	expect(await account.one('select status, attempts from botbox.trade_queue where id = $1', entry.tradeId)).toEqual({
		status: 'PENDING',
		attempts: 0,
	});
	// The exchange says that there is room again.
	system.skip(5_000);
	await recordLimitReport(system.database.pool, { ...bucket, used: 1, now: system.now() });
	await system.settle();
	expect(await account.one('select status from botbox.trade_queue where id = $1', entry.tradeId)).toEqual({
		status: 'EXECUTED',
	});
});
