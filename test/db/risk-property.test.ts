/** Whatever bots ask for, in whatever order entries are filled, closed and refused: what was accepted stays within every limit. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { setAccountLimits, setBotLimit } from '../../src/database/functions/administration.ts';
import { claimTrades, expireTrades, submitOrder } from '../../src/database/functions/trades.ts';
import { acknowledge, applyFill, decide, workerId } from '../support/factories/trading.ts';
import { after, type Bot, makeBot, makeInstrument, makeWorld } from '../support/factories/world.ts';
import { empty, openBooks } from './books.ts';

const books = openBooks();

const limits = {
	max_positions: 4,
	max_instrument_exposure: 2_500,
	max_total_exposure: 4_200,
	max_order_notional: 1_400,
	max_entries_per_minute: 3,
};
const botLimit = 1_500;

const steps = fc.array(
	fc.oneof(
		{
			weight: 5,
			arbitrary: fc.record({
				kind: fc.constant('enter' as const),
				bot: fc.nat(5),
				direction: fc.constantFrom('LONG' as const, 'SHORT' as const),
				lots: fc.integer({ min: 1, max: 3 }),
				price: fc.integer({ min: 60, max: 140 }),
			}),
		},
		{
			weight: 4,
			arbitrary: fc.record({
				kind: fc.constant('fill' as const),
				trade: fc.nat(20),
				share: fc.constantFrom(0.25, 0.5, 1),
			}),
		},
		{ weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const), bot: fc.nat(5) }) },
		{
			weight: 1,
			arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 400 }) }),
		},
	),
	{ minLength: 10, maxLength: 30 },
);

test('no sequence of accepted entries exceeds a limit', async () => {
	await fc.assert(
		fc.asyncProperty(steps, async (sequence) => {
			await empty(books.pool);
			const world = await makeWorld(books.pool, { account: { capital: 1_000_000 }, version: { maxLots: 6 } });
			const second = await makeInstrument(books.pool);
			const bots: Bot[] = [];
			for (let index = 0; index < 6; index++) {
				const bot = await makeBot(books.pool, world, {
					notional: 500,
					instrument: index % 2 === 0 ? world.instrument : second,
				});
				await setBotLimit(books.pool, { botId: bot.id, maxPositionNotional: botLimit });
				bots.push(bot);
			}
			await setAccountLimits(books.pool, { accountId: world.accountId, limits });
			let seconds = 0;
			for (const step of sequence) {
				seconds += step.kind === 'wait' ? step.seconds : 1;
				const now = after(seconds);
				if (step.kind === 'enter') {
					const { direction, lots, price } = step;
					const made = await decide(books.pool, bots[step.bot]!, { direction, lots, price, now });
					if (made.outcome === 'QUEUED') await withinLimits(seconds);
				} else if (step.kind === 'close') {
					await decide(books.pool, bots[step.bot]!, { direction: 'CLOSE', now });
				} else if (step.kind === 'fill') await fill(step.trade, step.share, now);
				else await expireTrades(books.pool, { now });
			}
		}),
		{ numRuns: 25 },
	);
}, 120_000);

/** Sends a waiting trade if need be, and fills a share of what is left of it at the price of its signal. */
async function fill(index: number, share: number, now: Date): Promise<void> {
	const { rows } = await books.pool.query(
		`select t.id, t.price, t.status, t.instrument_id, t.account_id, t.side, t.quantity, o.id as order_id, o.client_order_id,
			t.quantity - coalesce(o.filled_quantity, 0) as rest
		from trade_queue t left join orders o on o.trade_id = t.id
		where t.finished_at is null and (t.expires_at is null or t.expires_at > $1) order by t.queued_at, t.id`,
		[now],
	);
	const trade = rows[index % Math.max(rows.length, 1)];
	if (trade === undefined) return;
	await claimTrades(books.pool, { workerId, limit: 1_000, leaseMs: 600_000, now });
	const clientOrderId = trade.client_order_id ?? `order-${trade.id.slice(0, 8)}`;
	const sent =
		trade.order_id === null ? await submitOrder(books.pool, { tradeId: trade.id, workerId, clientOrderId, now }) : [];
	const orderId = trade.order_id ?? sent[0]?.orderId;
	// Expired, or its position was closed meanwhile.
	if (orderId === undefined) return;
	const { instrument_id: instrumentId, account_id: accountId, side, quantity: ordered } = trade;
	const order = { tradeId: trade.id, orderId, clientOrderId, instrumentId, accountId, side, quantity: ordered };
	await acknowledge(books.pool, order, now);
	const quantity = Math.ceil(Number(trade.rest) * share * 1_000) / 1_000;
	await applyFill(books.pool, order, { quantity: Math.min(quantity, Number(trade.rest)), price: trade.price, at: now });
}

async function withinLimits(seconds: number): Promise<void> {
	const { rows: exposures } = await books.pool.query(
		`select bot_id, instrument_id, sum(notional)::float8 as notional from (
			select bot_id, instrument_id, quantity * average_entry_price as notional from positions where status = 'OPEN'
			union all
			select t.bot_id, t.instrument_id, t.quantity * t.price - coalesce(
				(select sum(f.quantity * f.price) from fills f join orders o on o.id = f.order_id where o.trade_id = t.id), 0)
			from trade_queue t where t.direction <> 'CLOSE' and t.finished_at is null) x group by 1, 2`,
	);
	const total = (rows: { notional: number }[]) => rows.reduce((sum, { notional }) => sum + notional, 0);
	const slack = 1e-6;
	expect(exposures.length).toBeLessThanOrEqual(limits.max_positions);
	expect(total(exposures)).toBeLessThanOrEqual(limits.max_total_exposure + slack);
	for (const { instrument_id: id } of exposures)
		expect(total(exposures.filter((row) => row.instrument_id === id))).toBeLessThanOrEqual(
			limits.max_instrument_exposure + slack,
		);
	for (const { notional } of exposures) expect(notional).toBeLessThanOrEqual(botLimit + slack);
	const { rows } = await books.pool.query(
		`select count(*) filter (where queued_at > $1)::int as entries, max(quantity * price)::float8 as largest
		from trade_queue where direction <> 'CLOSE'`,
		[after(seconds - 60)],
	);
	expect(rows[0].entries).toBeLessThanOrEqual(limits.max_entries_per_minute);
	expect(rows[0].largest).toBeLessThanOrEqual(limits.max_order_notional + slack);
}
