/**
 * A bot that asks first, down to the exchange: nothing is sent before a person's word, and once it is given the entry is sent once,
 * whoever gives it how often and however many workers reach for it.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkLedger } from '../../src/database/functions/guards.ts';
import { createVenues } from '../../src/exchange/registry.ts';
import type { WorkerContext } from '../../src/workers/context.ts';
import { executeTrades } from '../../src/workers/execute-trades.ts';
import { settleOrders } from '../../src/workers/settle-orders.ts';
import { makeApi, makeToken, type TestApi } from '../support/api.ts';
import { type LiveAccount, openLiveAccount } from '../support/live-account.ts';
import { masterKey, type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

let system: SimulatedSystem;
let api: TestApi;
let token: string;
/** A second worker process would have its own identity and its own connections to the exchange. */
let other: WorkerContext;
beforeAll(async () => {
	system = await startSimulatedSystem({ simulator: { instrumentCount: 2 } });
	const { pool } = system.database;
	({ token } = await makeToken(pool, 'operator', { name: 'desk', now: system.now() }));
	api = await makeApi(pool, { clock: () => system.now() });
	const { context } = system;
	const workerId = 'other-worker';
	const clock = (): number => system.now().getTime();
	other = {
		...context,
		workerId,
		venues: createVenues({
			...{ pool, workerId, log: context.log, masterKey, liveAccounts: [], clock, sleep: context.sleep },
		}),
	};
});
afterAll(async () => {
	await api?.app.close();
	await system?.close();
});

/** A decided entry of a CONFIRM bot on an account of its own. */
async function asked(): Promise<{ account: LiveAccount; botId: number; tradeId: string }> {
	const account = await openLiveAccount(system);
	const [perpetual] = account.perpetuals;
	const bot = await account.makeBot(perpetual!);
	await system.database.pool.query(`update botbox.bots set execution = 'CONFIRM' where id = $1`, [bot.id]);
	const { tradeId, reasonCode } = await account.decide(bot, { stopLossFraction: 0.05 });
	expect(tradeId, String(reasonCode)).not.toBeNull();
	return { account, botId: bot.id, tradeId: tradeId! };
}
const both = async (): Promise<void> => {
	const now = system.now();
	await Promise.all([executeTrades(system.context, now), executeTrades(other, now), executeTrades(other, now)]);
	await Promise.all([settleOrders(system.context, { now }), settleOrders(other, { now })]);
};
const say = (word: 'approve' | 'reject', tradeId: string) =>
	api.call('POST', `/api/v1/trades/${tradeId}/${word}`, { token, body: { reason: 'seen' } });
/** What the exchange itself has of the account's key. */
async function atTheExchange({ credentials }: LiveAccount) {
	const answer = await fetch(`${system.simulator.url}/_sim/orders?apiKey=${credentials.apiKey}`);
	return ((await answer.json()) as { orders: { orderLinkId: string; cumExecQty: string; fills: unknown[] }[] }).orders;
}
const counted = ({ one }: LiveAccount, botId: number) =>
	one(
		`select (select count(*)::int from botbox.orders o join botbox.trade_queue t on t.id = o.trade_id where t.bot_id = $1) as orders,
		        (select count(*)::int from botbox.fills f join botbox.orders o on o.id = f.order_id
		           join botbox.trade_queue t on t.id = o.trade_id where t.bot_id = $1) as fills,
		        (select count(*)::int from botbox.positions where bot_id = $1) as positions`,
		botId,
	);

test('approved by two people at once, raced for by two workers: one order, one fill, one position', async () => {
	const { account, botId, tradeId } = await asked();
	await both();
	expect(await atTheExchange(account)).toEqual([]);
	expect(await counted(account, botId)).toEqual({ orders: 0, fills: 0, positions: 0 });

	const words = await Promise.all([say('approve', tradeId), say('approve', tradeId)]);
	expect(words.map(({ statusCode }) => statusCode).sort()).toEqual([200, 409]);
	for (let round = 0; round < 3; round++) {
		await both();
		system.skip(1_000);
	}
	expect((await say('approve', tradeId)).statusCode).toBe(409);
	await both();

	const orders = await atTheExchange(account);
	expect(orders).toHaveLength(1);
	expect(orders[0]?.fills).toHaveLength(1);
	expect(await counted(account, botId)).toEqual({ orders: 1, fills: 1, positions: 1 });
	expect(
		await account.one(
			`select t.status, o.client_order_id, trim_scale(o.filled_quantity)::text as filled, trim_scale(p.quantity)::text as held
			   from botbox.trade_queue t join botbox.orders o on o.trade_id = t.id join botbox.positions p on p.bot_id = t.bot_id
			  where t.id = $1`,
			tradeId,
		),
	).toEqual({
		status: 'EXECUTED',
		client_order_id: orders[0]?.orderLinkId,
		filled: String(Number(orders[0]?.cumExecQty)),
		held: String(Number(orders[0]?.cumExecQty)),
	});
	await account.reconcile();
	expect(await account.alerts('RECONCILIATION%')).toEqual([]);
	expect(await checkLedger(system.database.pool, {})).toEqual([]);
});

test('rejected, or out of time: nothing reaches the exchange, and a late approval is refused', async () => {
	const rejected = await asked();
	expect((await say('reject', rejected.tradeId)).statusCode).toBe(200);
	expect((await say('approve', rejected.tradeId)).statusCode).toBe(409);
	const late = await asked();
	system.skip(24 * 3_600_000);
	expect((await say('approve', late.tradeId)).statusCode).toBe(409);
	for (const { account, botId } of [rejected, late]) {
		await account.reconcile();
		await both();
		expect(await atTheExchange(account)).toEqual([]);
		expect(await counted(account, botId)).toEqual({ orders: 0, fills: 0, positions: 0 });
	}
});
