/** Flattening: nothing opens again, what was not sent is cancelled, what may have been sent settles and is closed then. */
import { expect, test } from 'vitest';
import { setAccountStatus } from '../../src/database/functions/administration.ts';
import { findReconciliations, reconcileAccount, requestReconciliation } from '../../src/database/functions/guards.ts';
import {
	claimTrades,
	flattenPositions,
	recordOrderResult,
	recoverOrders,
	resolveMissingOrder,
	resumeFlattening,
	retryCloses,
	submitOrder,
} from '../../src/database/functions/trades.ts';
import { fillTrade, makePair, openPair } from '../support/factories/pairs.ts';
import {
	acknowledge,
	applyFill,
	decide,
	openOrder,
	openPosition,
	queueTrade,
	submitTrade,
	workerId,
} from '../support/factories/trading.ts';
import { after, makeAccount, makeBot, makeInstrument, makeWorld, start } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();
const flattenAll = (now = start) => flattenPositions(books.pool, { scope: 'ALL', actor: 'tester', now });
const outcomes = (rows: Awaited<ReturnType<typeof flattenPositions>>) =>
	rows.map(({ kind, outcome }) => `${kind} ${outcome}`);
const trade = (id: string) => one(books.pool, 'select * from trade_queue where id = $1', [id]);
const closeOf = (positionId: number) =>
	one<{ id: string; trigger_reason: string; quantity: string }>(
		books.pool,
		'select id, trigger_reason, quantity from trade_queue where position_id = $1 and finished_at is null',
		[positionId],
	);
const isOpen = async (id: number) =>
	(await one(books.pool, 'select status from positions where id = $1', [id])).status === 'OPEN';

/** Sends the close that waits for a position and fills it whole. */
async function fillClose(positionId: number, now: Date): Promise<void> {
	const order = await submitTrade(books.pool, (await closeOf(positionId)).id, { now });
	await acknowledge(books.pool, order, now);
	await applyFill(books.pool, order, { at: now });
}

test('every open position gets a close of all of it, waiting entries are cancelled, and nothing opens again', async () => {
	const world = await makeWorld(books.pool);
	const [holder, waiting] = [await makeBot(books.pool, world), await makeBot(books.pool, world)];
	const position = await openPosition(books.pool, holder);
	const entry = await queueTrade(books.pool, waiting, { now: after(1) });

	const rows = await flattenAll(after(2));
	expect(rows).toMatchObject([
		{ kind: 'ENTRY', botId: waiting.id, tradeId: entry, outcome: 'CANCELLED', reasonCode: 'CANCELLED_BY_PERSON' },
		{ kind: 'POSITION', botId: holder.id, positionId: position.id, outcome: 'QUEUED', reasonCode: 'ACCEPTED' },
	]);
	expect(await trade(entry)).toMatchObject({ status: 'CANCELLED', reserved_capital: '0' });
	expect(await closeOf(position.id)).toMatchObject({ trigger_reason: 'FLATTEN', quantity: '10.000' });
	expect(await decide(books.pool, waiting, { now: after(60), candleAt: after(60) })).toMatchObject({
		reasonCode: 'PAUSED',
	});
	expect(await one(books.pool, 'select scope, lifts_at, created_by from pauses')).toEqual({
		scope: 'ALL',
		lifts_at: null,
		created_by: 'tester',
	});
	await fillClose(position.id, after(3));
	expect(await isOpen(position.id)).toBe(false);
});

test('repeated, and from two connections at once, it queues one close and one pause', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	const position = await openPosition(books.pool, bot);
	const rows = (await Promise.all([flattenAll(after(1)), flattenAll(after(1)), flattenAll(after(1))])).flat();
	expect(outcomes(rows).sort()).toEqual(['POSITION CLOSING', 'POSITION CLOSING', 'POSITION QUEUED']);
	await closeOf(position.id);
	expect((await books.pool.query('select from pauses')).rowCount).toBeLessThanOrEqual(3);
	expect(outcomes(await flattenAll(after(2)))).toEqual(['POSITION CLOSING']);
	await fillClose(position.id, after(3));
	expect(await flattenAll(after(4))).toEqual([]);
});

test('a scope leaves the others alone', async () => {
	const world = await makeWorld(books.pool);
	const other = await makeAccount(books.pool);
	const bots = [
		await makeBot(books.pool, world),
		await makeBot(books.pool, world, { instrument: await makeInstrument(books.pool) }),
		await makeBot(books.pool, world, { accountId: other }),
	];
	const positions: number[] = [];
	for (const bot of bots) positions.push((await openPosition(books.pool, bot)).id);
	const flattened = async (scope: Parameters<typeof flattenPositions>[1]) =>
		(await flattenPositions(books.pool, { ...scope, now: after(1) })).map(({ positionId, outcome }) => [
			positionId,
			outcome,
		]);
	expect(await flattened({ scope: 'BOT', botId: bots[1]!.id })).toEqual([[positions[1], 'QUEUED']]);
	expect(await flattened({ scope: 'ACCOUNT', accountId: world.accountId })).toEqual([
		[positions[0], 'QUEUED'],
		[positions[1], 'CLOSING'],
	]);
	expect(await flattened({ scope: 'EXCHANGE', exchangeId: 'sim' })).toHaveLength(3);
	// A scope and its subject belong together: nothing is flattened by a slip.
	for (const wrong of [{ scope: 'ALL', botId: bots[0]!.id }, { scope: 'BOT' }, { scope: 'ACCOUNT', botId: 1 }] as const)
		await expect(flattenPositions(books.pool, wrong)).rejects.toThrow(/pause_names_its_scope/);
});

test.each(['HALTED', 'REDUCING'] as const)(
	'a %s account is flattened, and only that is sent for it',
	async (status) => {
		const world = await makeWorld(books.pool);
		const [one_, two] = [
			await makeBot(books.pool, world),
			await makeBot(books.pool, world, { instrument: await makeInstrument(books.pool) }),
		];
		const [flat, left] = [await openPosition(books.pool, one_), await openPosition(books.pool, two)];
		await setAccountStatus(books.pool, { accountId: world.accountId, status, now: start });
		const other = await decide(books.pool, two, { direction: 'CLOSE', now: after(1) });
		expect(other.reasonCode).toBe(status === 'HALTED' ? 'ACCOUNT_HALTED' : 'ACCEPTED');
		await flattenPositions(books.pool, { scope: 'BOT', botId: one_.id, now: after(2) });
		const claimed = await claimTrades(books.pool, { workerId, now: after(3) });
		expect(claimed).toHaveLength(status === 'HALTED' ? 1 : 2);
		const close = claimed.find(({ botId }) => botId === one_.id)!;
		const [order] = await submitOrder(books.pool, {
			tradeId: close.tradeId,
			workerId,
			clientOrderId: 'flat-1',
			now: after(3),
		});
		// Refused by the exchange: taken up again after a minute, HALTED or not.
		await recordOrderResult(books.pool, {
			orderId: order!.orderId,
			workerId,
			result: 'REFUSED',
			code: 'x',
			now: after(4),
		});
		expect(await retryCloses(books.pool, { now: after(63) })).toBe(0);
		expect(await retryCloses(books.pool, { now: after(65) })).toBe(1);
		await fillClose(flat.id, after(66));
		expect([await isOpen(flat.id), await isOpen(left.id)]).toEqual([false, true]);
	},
);

test('a HALTED account that is not flattened sends no close, not even one queued before', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	await openPosition(books.pool, bot);
	const close = await queueTrade(books.pool, bot, { direction: 'CLOSE', now: after(1) });
	await setAccountStatus(books.pool, { accountId: world.accountId, status: 'HALTED', now: after(2) });
	expect(await claimTrades(books.pool, { workerId, now: after(3) })).toEqual([]);
	// Flattening replaces it by one that is sent.
	expect(outcomes(await flattenAll(after(4)))).toEqual(['POSITION QUEUED']);
	expect(await trade(close)).toMatchObject({ status: 'CANCELLED', reason_code: 'CANCELLED_BY_PERSON' });
	expect(await claimTrades(books.pool, { workerId, now: after(5) })).toHaveLength(1);
});

test('a claimed entry is cancelled under its worker, which then gets no order to send', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	const entry = await queueTrade(books.pool, bot);
	expect(await claimTrades(books.pool, { workerId, now: start })).toHaveLength(1);
	expect(outcomes(await flattenAll(after(1)))).toEqual(['ENTRY CANCELLED']);
	expect(await submitOrder(books.pool, { tradeId: entry, workerId, clientOrderId: 'late', now: after(2) })).toEqual([]);
});

test('flattening against sending, many times: an entry is cancelled, or it is sent and its position closed', async () => {
	for (let round = 0; round < 20; round++) {
		const world = await makeWorld(books.pool);
		const bot = await makeBot(books.pool, world);
		const now = after(round);
		const entry = await queueTrade(books.pool, bot, { now });
		await claimTrades(books.pool, { workerId, limit: 1_000, now });
		const scope = { scope: 'BOT', botId: bot.id, now } as const;
		const sending = { tradeId: entry, workerId, clientOrderId: `race-${round}`, now };
		// Whoever is asked first is not always first.
		const calls = [() => submitOrder(books.pool, sending), () => flattenPositions(books.pool, scope)] as const;
		const [sent, flat] =
			round % 2 === 0
				? await Promise.all([calls[0](), calls[1]()])
				: await Promise.all([calls[1](), calls[0]()]).then(([b, a]) => [a, b] as const);
		const outcome = flat[0]?.outcome ?? '';
		expect(outcome).toBe(sent.length === 1 ? 'SETTLING' : 'CANCELLED');
	}
});

test('an entry under way settles; what it opened is closed by whoever looks next, once', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	const order = await openOrder(books.pool, bot);
	expect(outcomes(await flattenAll(after(1)))).toEqual(['ENTRY SETTLING']);
	expect(await resumeFlattening(books.pool, { now: after(2) })).toBe(0);
	await applyFill(books.pool, order, { at: after(3) });
	expect(await resumeFlattening(books.pool, { now: after(4) })).toBe(1);
	expect(await resumeFlattening(books.pool, { now: after(5) })).toBe(0);
	const position = await one<{ id: number }>(books.pool, `select id from positions where status = 'OPEN'`);
	expect(await closeOf(position.id)).toMatchObject({ trigger_reason: 'FLATTEN', quantity: '10.000' });
	await fillClose(position.id, after(6));
	expect((await books.pool.query('select from trade_queue where flatten_requested_at is not null')).rowCount).toBe(0);
});

test('an unknown entry that the exchange turns out not to have is cancelled instead of sent again', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	const order = await submitTrade(books.pool, await queueTrade(books.pool, bot));
	await recordOrderResult(books.pool, { orderId: order.orderId, workerId, result: 'UNKNOWN', now: after(1) });
	expect(outcomes(await flattenAll(after(2)))).toEqual(['ENTRY SETTLING']);
	expect(await resolveMissingOrder(books.pool, { orderId: order.orderId, graceMs: 0, now: after(50) })).toBe('RETRY');
	expect(await claimTrades(books.pool, { workerId, now: after(51) })).toEqual([]);
	expect(await resumeFlattening(books.pool, { now: after(52) })).toBe(1);
	expect(await trade(order.tradeId)).toMatchObject({ status: 'CANCELLED', reason_code: 'CANCELLED_BY_PERSON' });
	expect(await one(books.pool, 'select status, reject_code from orders')).toEqual({
		status: 'REJECTED',
		reject_code: 'CANCELLED_BY_PERSON',
	});
});

test('a PARKED entry stays with the exchange and the person who is asked for it', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	const order = await submitTrade(books.pool, await queueTrade(books.pool, bot));
	await recordOrderResult(books.pool, { orderId: order.orderId, workerId, result: 'UNKNOWN', now: after(1) });
	await recoverOrders(books.pool, { now: after(700) });
	expect(outcomes(await flattenAll(after(701)))).toEqual(['ENTRY SETTLING']);
	expect(await trade(order.tradeId)).toMatchObject({ status: 'PARKED' });
});

test('a close of some lots that is under way is let end, and the rest closed after it', async () => {
	const world = await makeWorld(books.pool, { version: { maxLots: 2 } });
	const bot = await makeBot(books.pool, world);
	const { id } = await openPosition(books.pool, bot, { lots: 2 });
	const half = await openOrder(books.pool, bot, { direction: 'CLOSE', lots: 1, now: after(1) });
	expect(outcomes(await flattenAll(after(2)))).toEqual(['POSITION CLOSING']);
	await applyFill(books.pool, half, { at: after(3) });
	expect(await isOpen(id)).toBe(true);
	expect(await resumeFlattening(books.pool, { now: after(4) })).toBe(1);
	await fillClose(id, after(5));
	expect(await isOpen(id)).toBe(false);
});

test('both legs of a pair are closed', async () => {
	const pair = await makePair(books.pool);
	await openPair(books.pool, pair, after(300));
	const rows = await flattenPositions(books.pool, { scope: 'BOT', botId: pair.id, now: after(360) });
	expect(outcomes(rows)).toEqual(['POSITION QUEUED', 'POSITION QUEUED']);
	for (const { tradeId } of rows) await fillTrade(books.pool, tradeId!, { now: after(361) });
	expect((await books.pool.query(`select from positions where status = 'OPEN'`)).rowCount).toBe(0);
});

test('a comparison counts from when the exchange was asked, and its differences are told', async () => {
	const { accountId } = await makeWorld(books.pool);
	const compare = (askedAt: Date, quantity: string) =>
		reconcileAccount(books.pool, {
			accountId,
			positions: [{ symbol: 'X/USDT:USDT', quantity, entry_price: '1' }],
			balances: {},
			openOrders: [],
			askedAt,
			now: after(100),
		});
	const found = async (since: Date) => (await findReconciliations(books.pool, { accountIds: [accountId], since }))[0];
	expect(await found(after(10))).toMatchObject({ isCompared: false, differences: [] });
	await compare(after(9), '3');
	expect(await found(after(10))).toMatchObject({ isCompared: false });
	await compare(after(11), '3');
	expect(await found(after(10))).toMatchObject({
		isCompared: true,
		differences: ['foreign position of X/USDT:USDT: booked 0, exchange says 3'],
	});
	await compare(after(12), '0');
	expect(await found(after(10))).toMatchObject({ isCompared: true, differences: [] });
	// Due at once where it has been before; an account that nobody compared comes with the first worker that may.
	expect(await requestReconciliation(books.pool, { accountIds: [accountId], now: after(20) })).toBe(0);
});
