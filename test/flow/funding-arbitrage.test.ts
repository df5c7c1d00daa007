/** ST-005 on the simulated exchange: two legs in and out, funding booked, and what happens when one leg fails. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { setBotStatus } from '../../src/database/functions/administration.ts';
import { reEvaluateSignal } from '../../src/market/re-evaluate.ts';
import type { FaultRequest } from '../../src/simulator/http/faults.ts';
import {
	booksAreTheExchanges,
	makePair,
	minutesUntil,
	openOf,
	payFunding,
	removeBots,
	rows,
	startFundingSystem,
	system,
	tradesOf,
} from '../support/funding-system.ts';

beforeAll(startFundingSystem, 60_000);
afterEach(removeBots);
afterAll(() => system.close());

test('enters both legs, earns funding, leaves when it turns; every fill is the one of the exchange', async () => {
	const before = system.simulator.orders().length;
	const bot = await makePair('round trip');
	await payFunding(0.0008);
	await minutesUntil(async () => Object.keys(await openOf(bot)).length === 2);
	const entries = await tradesOf(bot);
	expect(entries).toMatchObject([
		{ market: 'spot', direction: 'LONG', side: 'BUY', status: 'EXECUTED', trigger: 'FUNDING_ENTRY' },
		{ market: 'linear', direction: 'SHORT', side: 'SELL', status: 'EXECUTED', trigger: 'FUNDING_ENTRY' },
	]);
	expect(entries[0]!.quantity).toBe(entries[1]!.quantity);
	const base = entries[0]!.quantity;
	expect(await openOf(bot)).toEqual({ 'SPOT LONG': base, 'LINEAR SHORT': base });
	const signals = await rows(
		'select id, group_id, factors from botbox.signals where bot_id = $1 order by instrument_id',
		bot,
	);
	expect(signals).toHaveLength(2);
	expect(signals[0].group_id).toBe(signals[1].group_id);
	expect(signals[0].factors).toMatchObject([{ name: 'funding_rate', value: 0.0008 }, { name: 'basis' }]);

	for (const { id } of signals) {
		const again = await reEvaluateSignal(system.database.pool, id);
		expect(again).toMatchObject({ isEqual: true, difference: 0, missing: [] });
	}

	// Held over a settlement: the short receives, in position, ledger and wallet alike.
	await payFunding(0.0008);
	await system.minute();
	const [payment] = await rows(
		`select l.amount, p.funding, i.market_type from botbox.ledger_entries l
		   join botbox.positions p on p.id = l.position_id join botbox.instruments i on i.id = p.instrument_id
		  where l.kind = 'FUNDING' and p.bot_id = $1`,
		bot,
	);
	expect(payment.market_type).toBe('LINEAR');
	expect(Number(payment.amount)).toBeGreaterThan(0);
	expect(Number(payment.funding)).toBe(Number(payment.amount));
	expect(Object.keys(await openOf(bot))).toHaveLength(2);
	await booksAreTheExchanges();

	await payFunding(-0.0005);
	await minutesUntil(async () => Object.keys(await openOf(bot)).length === 0);
	const trades = await tradesOf(bot);
	expect(trades).toHaveLength(4);
	expect(trades.slice(2)).toMatchObject([
		{ market: 'spot', direction: 'CLOSE', side: 'SELL', status: 'EXECUTED', trigger: 'FUNDING_EXIT' },
		{ market: 'linear', direction: 'CLOSE', side: 'BUY', status: 'EXECUTED', trigger: 'FUNDING_EXIT', quantity: base },
	]);
	const accepted = system.simulator.orders().slice(before);
	expect(
		accepted.map(({ category, side, orderStatus, reduceOnly }) => [category, side, orderStatus, reduceOnly]),
	).toEqual(
		expect.arrayContaining([
			['spot', 'Buy', 'Filled', false],
			['linear', 'Sell', 'Filled', false],
			['spot', 'Sell', 'Filled', false],
			['linear', 'Buy', 'Filled', true],
		]),
	);
	expect(accepted).toHaveLength(4);
	await booksAreTheExchanges();
}, 120_000);

interface Undone {
	readonly what: string;
	readonly fault: FaultRequest;
	/** What stands of either leg, as a share of what was asked for. */
	readonly stands: number;
	readonly closes: readonly ('spot' | 'linear')[];
}

test.each<Undone>([
	{
		what: 'the perpetual is not filled',
		fault: { kind: 'no_fill', category: 'linear' },
		stands: 0,
		closes: ['spot'],
	},
	{
		what: 'spot is not filled',
		fault: { kind: 'no_fill', category: 'spot' },
		stands: 0,
		closes: ['linear'],
	},
	{
		what: 'spot is refused',
		fault: { kind: 'insufficient_funds', category: 'spot' },
		stands: 0,
		closes: ['linear'],
	},
	{
		what: 'the perpetual is refused',
		fault: { kind: 'insufficient_funds', category: 'linear' },
		stands: 0,
		closes: ['spot'],
	},
	{
		what: 'the perpetual is filled in part',
		fault: { kind: 'partial_fill', category: 'linear', ratio: 0.5 },
		stands: 0.5,
		closes: ['spot'],
	},
	{
		what: 'the answer about the perpetual is lost',
		fault: { kind: 'timeout_after_accept', category: 'linear', endpoint: '/v5/order/create' },
		stands: 1,
		closes: [],
	},
])(
	'when $what, the legs match in the end and the books are the exchange’s',
	async ({ what, fault, stands, closes }) => {
		const bot = await makePair(what);
		system.simulator.addFault(fault);
		await payFunding(0.0008);
		await minutesUntil(async () => (await tradesOf(bot)).length > 0);
		await setBotStatus(system.database.pool, { botId: bot, status: 'PAUSED', now: system.now() });
		await system.minute();
		await system.minute();
		expect(system.simulator.faults()).toEqual([]);
		const trades = await tradesOf(bot);
		const entries = trades.filter(({ direction }) => direction !== 'CLOSE');
		expect(entries).toHaveLength(2);
		const asked = entries[0]!.quantity;
		const open = await openOf(bot);
		if (stands === 0) expect(open).toEqual({});
		else {
			expect(open['SPOT LONG']).toBe(open['LINEAR SHORT']);
			expect(open['SPOT LONG']! / asked).toBeCloseTo(stands, 1);
		}
		expect(trades.filter(({ direction }) => direction === 'CLOSE')).toMatchObject(
			closes.map((market) => ({ market, trigger: 'LEG_IMBALANCE', status: 'EXECUTED' })),
		);
		await booksAreTheExchanges();

		// What stands is left as any pair is.
		if (stands > 0) {
			await setBotStatus(system.database.pool, { botId: bot, status: 'ACTIVE', now: system.now() });
			await payFunding(-0.0005);
			await minutesUntil(async () => Object.keys(await openOf(bot)).length === 0);
			await booksAreTheExchanges();
		}
	},
	120_000,
);

test('a leg that the exchange liquidates or a stop closes takes the other with it', async () => {
	const bot = await makePair('stopped leg');
	await payFunding(0.0008);
	await minutesUntil(async () => Object.keys(await openOf(bot)).length === 2);
	await setBotStatus(system.database.pool, { botId: bot, status: 'PAUSED', now: system.now() });
	// A guarded stop of the short leg: the price has passed it.
	const { pool } = system.database;
	await pool.query(
		`update botbox.positions set stop_loss_price = average_entry_price * 0.9, protection = 'GUARD'
		  where bot_id = $1 and status = 'OPEN' and direction = 'SHORT'`,
		[bot],
	);
	await system.minute();
	await minutesUntil(async () => Object.keys(await openOf(bot)).length === 0, 3);
	const closes = (await tradesOf(bot)).slice(2).map(({ market, trigger }) => `${market} ${trigger}`);
	expect(closes.toSorted()).toEqual(['linear STOP_LOSS', 'spot LEG_IMBALANCE']);
	await booksAreTheExchanges();
}, 120_000);
