/** decide_pair through record_checks: one signal per leg, equal sizes, both queued or neither. */
import { expect, test } from 'vitest';
import { setAccountStatus } from '../../src/database/functions/administration.ts';
import { recordChecks } from '../../src/database/functions/checks.ts';
import { checkPair, makePair, openPair, type Pair, pairCheck, tradesOf } from '../support/factories/pairs.ts';
import { openPosition } from '../support/factories/trading.ts';
import { after, makeAccount, makeBot, makeStrategyVersion, quote } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();
const due = after(300);

async function signalsOf(pair: Pair) {
	const { rows } = await books.pool.query(
		`select id, instrument_id, direction, status, reason_code, details, quantity, price, group_id, trade_id, hash, candle_at,
		        repeat_count
		   from botbox.signals where bot_id = $1 order by id`,
		[pair.id],
	);
	return rows;
}

test('an entry becomes one signal per leg: opposite, of one group, each at its own price and candle, equal in base units', async () => {
	const pair = await makePair(books.pool);
	const recorded = await checkPair(books.pool, pair, due, {
		decision: 'LONG',
		prices: [100, 125],
		candles: [after(0), after(-300)],
	});
	expect(recorded).toMatchObject({ outcome: 'QUEUED', reasonCode: 'ACCEPTED' });
	const [spot, perpetual] = await signalsOf(pair);
	expect(recorded.signalId).toBe(spot.id);
	// 1,000 of the dearer leg is 8 of both.
	expect(spot).toMatchObject({ instrument_id: pair.spot.id, direction: 'LONG', status: 'QUEUED', price: '100' });
	expect(perpetual).toMatchObject({
		instrument_id: pair.perpetual.id,
		direction: 'SHORT',
		status: 'QUEUED',
		price: '125',
	});
	expect([spot.quantity, perpetual.quantity].map(Number)).toEqual([8, 8]);
	expect([spot.candle_at, perpetual.candle_at]).toEqual([after(0), after(-300)]);
	expect(spot.group_id).not.toBeNull();
	expect(perpetual.group_id).toBe(spot.group_id);
	expect(perpetual.hash).not.toBe(spot.hash);
	const trades = await tradesOf(books.pool, pair);
	expect(trades).toMatchObject([
		{ direction: 'LONG', side: 'BUY', groupId: spot.group_id, status: 'PENDING' },
		{ direction: 'SHORT', side: 'SELL', groupId: spot.group_id, status: 'PENDING' },
	]);
	// Both are reserved: margin and fee of either leg, at leverage 1.
	const reserved = await one(books.pool, 'select sum(reserved_capital) as sum from trade_queue where bot_id = $1', [
		pair.id,
	]);
	expect(Number(reserved.sum)).toBeCloseTo(8 * 225 * 1.001, 8);
});

test('quantities are a multiple of both lots, also where the perpetual counts in contracts', async () => {
	const pair = await makePair(books.pool, {
		spot: { lotSize: '0.04' },
		perpetual: { lotSize: '1', contractSize: '0.05' },
	});
	await checkPair(books.pool, pair, due, { decision: 'LONG', prices: [99, 101] });
	const [spot, perpetual] = await signalsOf(pair);
	// 1,000 / 101 = 9.90099; the smallest multiple of 0.04 and 0.05 is 0.2.
	expect(Number(spot.quantity)).toBe(9.8);
	expect(Number(perpetual.quantity)).toBe(196);
});

test('several lots are one quantity for both legs', async () => {
	const pair = await makePair(books.pool, { notional: 100 });
	await checkPair(books.pool, pair, due, { decision: 'LONG', prices: [100, 100], lots: 3 });
	expect((await signalsOf(pair)).map(({ quantity }) => Number(quantity))).toEqual([3, 3]);
});

test('a first leg that cannot be sold short keeps both out, and each says why', async () => {
	const pair = await makePair(books.pool);
	const recorded = await checkPair(books.pool, pair, due, { decision: 'SHORT' });
	expect(recorded).toMatchObject({ outcome: 'REJECTED', reasonCode: 'SHORT_ON_SPOT', tradeId: null });
	expect(await signalsOf(pair)).toMatchObject([
		{ direction: 'SHORT', status: 'REJECTED', reason_code: 'SHORT_ON_SPOT' },
		{
			direction: 'LONG',
			status: 'REJECTED',
			reason_code: 'OTHER_LEG_REFUSED',
			details: { instrument_id: pair.spot.id, reason_code: 'SHORT_ON_SPOT' },
		},
	]);
	expect(await tradesOf(books.pool, pair)).toEqual([]);
});

test.each<[string, { maxPositions?: number; capital?: number }]>([
	['MAX_POSITIONS', { maxPositions: 1 }],
	['INSUFFICIENT_CAPITAL', { capital: 1_500 }],
])('the second leg sees what the first would take: %s', async (reason, account) => {
	const pair = await makePair(books.pool, { account });
	const recorded = await checkPair(books.pool, pair, due, { decision: 'LONG', prices: [100, 101] });
	expect(recorded).toMatchObject({ outcome: 'REJECTED', reasonCode: 'OTHER_LEG_REFUSED' });
	const [spot, perpetual] = await signalsOf(pair);
	expect(spot).toMatchObject({ status: 'REJECTED', reason_code: 'OTHER_LEG_REFUSED', trade_id: null });
	expect(perpetual).toMatchObject({ status: 'REJECTED', reason_code: reason, trade_id: null });
	if (reason === 'MAX_POSITIONS') expect(perpetual.details).toEqual({ positions: 1, max_positions: 1 });
	else expect(Number(perpetual.details.available)).toBeCloseTo(1_500 - 9.9 * 100 * 1.001, 6);
	// Nothing of the attempt is left behind.
	expect(await tradesOf(books.pool, pair)).toEqual([]);
	const free = await one(books.pool, 'select botbox.available_capital($1) as free', [pair.accountId]);
	expect(Number(free.free)).toBe(account.capital ?? 10_000);
});

test('the smallest order of either leg keeps both out', async () => {
	const pair = await makePair(books.pool, { perpetual: { minimumQuantity: '50' } });
	await checkPair(books.pool, pair, due, { decision: 'LONG' });
	expect(await signalsOf(pair)).toMatchObject([{ reason_code: 'OTHER_LEG_REFUSED' }, { reason_code: 'BELOW_MINIMUM' }]);
});

test("a pair's legs do not count as correlated with each other, another bot's position does", async () => {
	const account = { maxCorrelatedPositions: 1 };
	const pair = await makePair(books.pool, { account });
	const correlate = async (rho: number) =>
		await books.pool.query(
			`insert into botbox.correlations (instrument_a, instrument_b, rho, samples, computed_at)
			values (least($1::bigint, $2), greatest($1::bigint, $2), $3, 700, now())
			on conflict (instrument_a, instrument_b) do update set rho = excluded.rho`,
			[pair.spot.id, pair.perpetual.id, rho],
		);
	// Even if the two moved against each other, so that both directions were the same bet.
	await correlate(-0.99);
	expect(await checkPair(books.pool, pair, due, { decision: 'LONG' })).toMatchObject({ outcome: 'QUEUED' });

	const legs = [pair.spot, pair.perpetual] as const;
	const crowded = await makePair(books.pool, { account, legs });
	const versionId = await makeStrategyVersion(books.pool);
	const world = { instrument: pair.perpetual, accountId: crowded.accountId, versionId };
	await openPosition(books.pool, await makeBot(books.pool, world), { direction: 'SHORT' });
	await checkPair(books.pool, crowded, due, { decision: 'LONG' });
	expect((await signalsOf(crowded)).map((signal) => signal.reason_code)).toContain('CORRELATION_LIMIT');
});

test('a repeated check queues nothing again, and a pair is new only if it is new in every leg', async () => {
	const pair = await makePair(books.pool);
	const candles = [after(0), after(0)] as const;
	await checkPair(books.pool, pair, due, { decision: 'LONG', candles });
	expect(await checkPair(books.pool, pair, after(600), { decision: 'LONG', candles })).toMatchObject({
		outcome: 'REPEATED',
	});
	expect(await signalsOf(pair)).toHaveLength(2);
	// Both entries came to nothing; meanwhile only the spot market has a new candle.
	await books.pool.query(
		`update botbox.trade_queue set status = 'FAILED', reason_code = 'NOT_FILLED', reserved_capital = 0, finished_at = now()`,
	);
	expect(
		await checkPair(books.pool, pair, after(900), { decision: 'LONG', candles: [after(300), after(0)] }),
	).toMatchObject({ outcome: 'REPEATED' });
	expect(await signalsOf(pair)).toHaveLength(2);
	expect(await tradesOf(books.pool, pair)).toHaveLength(2);
	expect(
		await checkPair(books.pool, pair, after(1200), { decision: 'LONG', candles: [after(300), after(300)] }),
	).toMatchObject({ outcome: 'QUEUED' });
	expect(await tradesOf(books.pool, pair)).toHaveLength(4);
});

test('a refused pair that comes again on the same candles updates its rows and may be accepted then', async () => {
	const pair = await makePair(books.pool);
	const candles = [after(0), after(0)] as const;
	await setAccountStatus(books.pool, { accountId: pair.accountId, status: 'REDUCING', reason: 'drill' });
	await checkPair(books.pool, pair, due, { decision: 'LONG', candles });
	await checkPair(books.pool, pair, after(600), { decision: 'LONG', candles });
	expect(await signalsOf(pair)).toMatchObject([
		{ reason_code: 'ACCOUNT_REDUCING', repeat_count: 1 },
		{ reason_code: 'OTHER_LEG_REFUSED', repeat_count: 1 },
	]);
	await setAccountStatus(books.pool, { accountId: pair.accountId, status: 'ACTIVE' });
	await checkPair(books.pool, pair, after(900), { decision: 'LONG', candles });
	const [spot, perpetual] = await signalsOf(pair);
	expect([spot.status, perpetual.status]).toEqual(['QUEUED', 'QUEUED']);
	expect(perpetual.group_id).toBe(spot.group_id);
});

test('a CLOSE closes every open leg, each once', async () => {
	const pair = await makePair(books.pool);
	await openPair(books.pool, pair, due);
	const recorded = await checkPair(books.pool, pair, after(600), { decision: 'CLOSE' });
	expect(recorded.outcome).toBe('QUEUED');
	const closes = (await tradesOf(books.pool, pair)).filter(({ direction }) => direction === 'CLOSE');
	expect(closes).toMatchObject([
		{ instrumentId: pair.spot.id, side: 'SELL' },
		{ instrumentId: pair.perpetual.id, side: 'BUY' },
	]);
	expect(closes[0]!.groupId).not.toBeNull();
	expect(closes[1]!.groupId).toBe(closes[0]!.groupId);
	expect(closes.map(({ quantity }) => Number(quantity))).toEqual([9.9, 9.9]);
	expect(await checkPair(books.pool, pair, after(900), { decision: 'CLOSE' })).toMatchObject({ outcome: 'REPEATED' });
	expect(await tradesOf(books.pool, pair)).toHaveLength(4);
});

test('a CLOSE of a pair that holds nothing says so once', async () => {
	const pair = await makePair(books.pool);
	expect(await checkPair(books.pool, pair, due, { decision: 'CLOSE' })).toMatchObject({ reasonCode: 'NO_POSITION' });
	expect(await signalsOf(pair)).toHaveLength(1);
});

test("without its own candle the second leg takes the market's last price; without any the check fails as a whole", async () => {
	const pair = await makePair(books.pool);
	await books.pool.query(`update botbox.bots set claimed_by = 'worker-1', claimed_until = $1`, [after(330)]);
	const check = { ...pairCheck(pair, due, { decision: 'LONG' }), legs: null };
	const record = () => recordChecks(books.pool, { checks: [check], workerId: 'worker-1', now: due });
	await expect(record()).rejects.toThrow(/without a price of its leg/);
	expect(await signalsOf(pair)).toEqual([]);
	await quote(books.pool, pair.perpetual, { last: 104 }, due);
	expect(await record()).toMatchObject([{ outcome: 'QUEUED' }]);
	expect((await signalsOf(pair))[1]).toMatchObject({ price: '104' });
});

test('two pairs that race for the slots of one account: one pair whole, the other not at all', async () => {
	const accountId = await makeAccount(books.pool, { maxPositions: 3 });
	for (let round = 0; round < 10; round++) {
		await books.pool.query(`update botbox.trade_queue set status = 'FAILED', reason_code = 'NOT_FILLED', reserved_capital = 0,
			finished_at = now() where finished_at is null`);
		const pairs = [await makePair(books.pool, { accountId }), await makePair(books.pool, { accountId })];
		await books.pool.query(`update botbox.bots set claimed_by = 'racer', claimed_until = $1`, [after(330)]);
		const outcomes = await Promise.all(
			pairs.map(async (pair) => {
				const checks = [pairCheck(pair, due, { decision: 'LONG' })];
				const [recorded] = await recordChecks(books.pool, { checks, workerId: 'racer', now: due });
				return recorded?.outcome;
			}),
		);
		expect(outcomes.toSorted()).toEqual(['QUEUED', 'REJECTED']);
		const trades = await Promise.all(pairs.map((pair) => tradesOf(books.pool, pair)));
		expect(trades.map(({ length }) => length).toSorted()).toEqual([0, 2]);
	}
});
