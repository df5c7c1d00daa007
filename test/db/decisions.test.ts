/** decide_signal: every reason for which a signal is refused, with the figures behind it, and what accepting does. */
import { expect, test } from 'vitest';
import { setAccountStatus, setBotStatus } from '../../src/database/functions/administration.ts';
import { pauseEntries, recordExchangeResult } from '../../src/database/functions/guards.ts';
import { decide, openPosition, queueTrade } from '../support/factories/trading.ts';
import { after, makeBot, makeInstrument, makeWorld, start } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

async function signal(id: number) {
	return await one(books.pool, 'select * from signals where id = $1', [id]);
}

/** The decision must be REJECTED for this reason; answers the recorded details. */
async function refused(decision: ReturnType<typeof decide>, reasonCode: string): Promise<unknown> {
	const made = await decision;
	expect(made).toMatchObject({ outcome: 'REJECTED', reasonCode, tradeId: null });
	const row = await signal(made.signalId);
	expect(row).toMatchObject({ status: 'REJECTED', reason_code: reasonCode, trade_id: null });
	return row.details;
}

test('an accepted entry is queued with its size, its reserved capital, its stops and its time to live', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world, { notional: 1_000, leverage: 2 });
	const made = await decide(books.pool, bot, { price: 300, stopLossFraction: 0.02, takeProfitFraction: 0.04 });
	expect(made).toMatchObject({ outcome: 'QUEUED', reasonCode: 'ACCEPTED' });
	expect(await signal(made.signalId)).toMatchObject({
		status: 'QUEUED',
		quantity: '3.333',
		notional: '999.900',
		stop_loss_price: '294.00',
		take_profit_price: '312.00',
		trade_id: made.tradeId,
	});
	const trade = await one(books.pool, 'select * from trade_queue where id = $1', [made.tradeId]);
	expect(trade).toMatchObject({
		signal_id: made.signalId,
		status: 'PENDING',
		side: 'BUY',
		quantity: '3.333',
		protection: 'GUARD',
		expires_at: after(300),
	});
	// Half of the notional as margin at leverage 2, and a taker fee of 0.1%.
	expect(Number(trade.reserved_capital)).toBeCloseTo(999.9 / 2 + 0.9999, 10);
});

test('BOT_NOT_ACTIVE', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	await setBotStatus(books.pool, { botId: bot.id, status: 'PAUSED', now: start });
	expect(await refused(decide(books.pool, bot), 'BOT_NOT_ACTIVE')).toEqual({ status: 'PAUSED' });
});

test('ACCOUNT_HALTED and ACCOUNT_REDUCING', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	for (const status of ['HALTED', 'REDUCING'] as const) {
		await setAccountStatus(books.pool, { accountId: bot.accountId, status, reason: 'drill', now: start });
		expect(await refused(decide(books.pool, bot), `ACCOUNT_${status}`)).toMatchObject({ why: 'drill' });
	}
});

test.each(['ALL', 'EXCHANGE', 'ACCOUNT', 'BOT'] as const)(
	'PAUSED by a pause of scope %s, until it lifts',
	async (scope) => {
		const world = await makeWorld(books.pool);
		const bot = await makeBot(books.pool, world);
		const pauseId = await pauseEntries(books.pool, {
			scope,
			reason: 'news',
			exchangeId: scope === 'EXCHANGE' ? 'sim' : null,
			accountId: scope === 'ACCOUNT' ? bot.accountId : null,
			botId: scope === 'BOT' ? bot.id : null,
			liftsAt: after(60),
			now: start,
		});
		expect(await refused(decide(books.pool, bot), 'PAUSED')).toEqual({ pause_id: pauseId });
		expect(await decide(books.pool, bot, { now: after(60) })).toMatchObject({ outcome: 'QUEUED' });
	},
);

test('a pause of another bot, account or exchange is none of its business', async () => {
	const world = await makeWorld(books.pool);
	const other = await makeBot(books.pool, await makeWorld(books.pool));
	const bot = await makeBot(books.pool, world);
	await pauseEntries(books.pool, { scope: 'BOT', botId: other.id, reason: 'x', now: start });
	await pauseEntries(books.pool, { scope: 'ACCOUNT', accountId: other.accountId, reason: 'x', now: start });
	await pauseEntries(books.pool, { scope: 'EXCHANGE', exchangeId: 'bybit', reason: 'x', now: start });
	expect(await decide(books.pool, bot)).toMatchObject({ outcome: 'QUEUED' });
});

test('EXCHANGE_UNAVAILABLE', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	await recordExchangeResult(books.pool, {
		exchangeId: 'sim',
		isSuccess: false,
		error: 'ban',
		bannedForMs: 600_000,
		now: start,
	});
	expect(await refused(decide(books.pool, bot), 'EXCHANGE_UNAVAILABLE')).toEqual({ exchange: 'sim' });
});

test('INSTRUMENT_NOT_TRADING', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	await books.pool.query('update instruments set is_trading = false where id = $1', [bot.instrumentId]);
	expect(await refused(decide(books.pool, bot), 'INSTRUMENT_NOT_TRADING')).toEqual({ symbol: world.instrument.symbol });
});

test('SHORT_ON_SPOT', async () => {
	const world = await makeWorld(books.pool, { instrument: { marketType: 'SPOT' } });
	const bot = await makeBot(books.pool, world);
	const details = await refused(decide(books.pool, bot, { direction: 'SHORT' }), 'SHORT_ON_SPOT');
	expect(details).toEqual({ symbol: world.instrument.symbol });
});

test('REGIME_UNKNOWN and REGIME_UNFAVOURABLE', async () => {
	const world = await makeWorld(books.pool, { version: { favourableRegimes: ['TRENDING_UP', 'TRENDING_DOWN'] } });
	const bot = await makeBot(books.pool, world);
	expect(await refused(decide(books.pool, bot, { regime: null }), 'REGIME_UNKNOWN')).toEqual({});
	expect(await refused(decide(books.pool, bot, { regime: 'RANGING' }), 'REGIME_UNFAVOURABLE')).toEqual({
		regime: 'RANGING',
		favourable: ['TRENDING_UP', 'TRENDING_DOWN'],
	});
});

test('TRADE_PENDING: an entry while another trade of the bot is under way', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	const tradeId = await queueTrade(books.pool, bot);
	const again = decide(books.pool, bot, { candleAt: after(300), now: after(1) });
	expect(await refused(again, 'TRADE_PENDING')).toEqual({ trade_id: tradeId });
});

test('DUPLICATE_POSITION beyond the lots of the strategy, OPPOSITE_POSITION in the other direction', async () => {
	const world = await makeWorld(books.pool, { version: { maxLots: 2 } });
	const bot = await makeBot(books.pool, world);
	const { id } = await openPosition(books.pool, bot);
	const opposite = decide(books.pool, bot, { direction: 'SHORT', candleAt: after(60) });
	expect(await refused(opposite, 'OPPOSITE_POSITION')).toEqual({ position_id: id, direction: 'LONG' });
	await openPosition(books.pool, bot, { candleAt: after(300) });
	const third = decide(books.pool, bot, { candleAt: after(600) });
	expect(await refused(third, 'DUPLICATE_POSITION')).toEqual({ position_id: id, lots: 2, asked: 1, max_lots: 2 });
});

test('NO_POSITION: there is nothing to close', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	expect(await refused(decide(books.pool, bot, { direction: 'CLOSE' }), 'NO_POSITION')).toEqual({});
});

test('a close is refused while another close of the position is under way, and while the account is HALTED', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	await openPosition(books.pool, bot);
	await setAccountStatus(books.pool, { accountId: bot.accountId, status: 'HALTED', reason: 'drill', now: start });
	await refused(decide(books.pool, bot, { direction: 'CLOSE' }), 'ACCOUNT_HALTED');
	await setAccountStatus(books.pool, { accountId: bot.accountId, status: 'REDUCING', now: start });
	const tradeId = await queueTrade(books.pool, bot, { direction: 'CLOSE', trigger: 'STOP_LOSS' });
	const other = decide(books.pool, bot, { direction: 'CLOSE', trigger: 'TIME_EXIT' });
	expect(await refused(other, 'TRADE_PENDING')).toEqual({ trade_id: tradeId });
});

test('neither a pause nor a stopped bot stands against a close', async () => {
	const bot = await makeBot(books.pool, await makeWorld(books.pool));
	const { id } = await openPosition(books.pool, bot);
	await pauseEntries(books.pool, { scope: 'ALL', reason: 'news', now: start });
	await setBotStatus(books.pool, { botId: bot.id, status: 'STOPPED', now: start });
	const tradeId = await queueTrade(books.pool, bot, { direction: 'CLOSE', trigger: 'STOP_LOSS' });
	expect(await one(books.pool, 'select * from trade_queue where id = $1', [tradeId])).toMatchObject({
		position_id: id,
		side: 'SELL',
		quantity: '10.000',
		reserved_capital: '0',
		expires_at: null,
	});
});

test('MAX_POSITIONS counts open positions and queued entries', async () => {
	const world = await makeWorld(books.pool, { account: { maxPositions: 2 } });
	const bots = [];
	for (let index = 0; index < 3; index++) bots.push(await makeBot(books.pool, world));
	await openPosition(books.pool, bots[0]!);
	await queueTrade(books.pool, bots[1]!);
	expect(await refused(decide(books.pool, bots[2]!), 'MAX_POSITIONS')).toEqual({ positions: 2, max_positions: 2 });
});

test('INSUFFICIENT_CAPITAL counts positions and what queued entries have reserved', async () => {
	const world = await makeWorld(books.pool, { account: { capital: 2_500 } });
	const bots = [];
	for (let index = 0; index < 3; index++) bots.push(await makeBot(books.pool, world));
	await openPosition(books.pool, bots[0]!);
	await queueTrade(books.pool, bots[1]!);
	const details = await refused(decide(books.pool, bots[2]!), 'INSUFFICIENT_CAPITAL');
	expect(details).toEqual({ needed: 1_001, available: 499 });
});

test('CORRELATION_LIMIT counts the same direction of what moves together and the other of what moves against', async () => {
	const world = await makeWorld(books.pool, { account: { maxCorrelatedPositions: 2 } });
	const [alike, against, unlike] = [
		await makeInstrument(books.pool),
		await makeInstrument(books.pool),
		await makeInstrument(books.pool),
	];
	for (const [other, rho] of [
		[alike, 0.85],
		[against, -0.9],
		[unlike, 0.3],
	] as const) {
		await books.pool.query(
			`insert into correlations (instrument_a, instrument_b, rho, samples, computed_at) values ($1, $2, $3, 100, $4)`,
			[world.instrument.id, other.id, rho, start],
		);
	}
	await queueTrade(books.pool, await makeBot(books.pool, world, { instrument: unlike }));
	await queueTrade(books.pool, await makeBot(books.pool, world, { instrument: alike }));
	const bot = await makeBot(books.pool, world);
	expect(await decide(books.pool, bot, { direction: 'SHORT' })).toMatchObject({ outcome: 'QUEUED' });
	await queueTrade(books.pool, await makeBot(books.pool, world, { instrument: against }), { direction: 'SHORT' });
	const next = await makeBot(books.pool, world);
	expect(await refused(decide(books.pool, next), 'CORRELATION_LIMIT')).toEqual({
		correlated: 2,
		limit: 2,
		threshold: 0.8,
	});
});

test('BELOW_MINIMUM: first rounded to the lot, then compared with quantity and notional', async () => {
	const world = await makeWorld(books.pool, {
		instrument: { lotSize: '0.1', minimumQuantity: '0.1', minimumNotional: '10' },
	});
	const small = await makeBot(books.pool, world, { notional: 9.99 });
	expect(await refused(decide(books.pool, small), 'BELOW_MINIMUM')).toMatchObject({
		quantity: 0,
		minimum_quantity: 0.1,
	});
	const cut = await makeBot(books.pool, world, { notional: 14 });
	expect(await refused(decide(books.pool, cut, { price: 75 }), 'BELOW_MINIMUM')).toEqual({
		quantity: 0.1,
		minimum_quantity: 0.1,
		notional: 7.5,
		minimum_notional: 10,
	});
	expect(await decide(books.pool, cut, { price: 100, candleAt: after(60) })).toMatchObject({ outcome: 'QUEUED' });
});
