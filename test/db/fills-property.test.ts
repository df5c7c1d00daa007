/** Random trading against a simple reckoning in decimals: position, profit, balances and ledger must agree. */
import { Decimal } from 'decimal.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkLedger } from '../../src/database/functions/guards.ts';
import { applyFills } from '../../src/database/functions/trades.ts';
import { fillOf, openOrder } from '../support/factories/trading.ts';
import { after, makeBot, makeWorld } from '../support/factories/world.ts';
import { empty, one, openBooks } from './books.ts';

const books = openBooks();
Decimal.set({ precision: 40 });

/** One entry or exit: cut into parts, each with a price and a fee rate; reported in any order, some of it twice. */
const round = fc.record({
	parts: fc.array(
		fc.record({
			weight: fc.integer({ min: 1, max: 9 }),
			price: fc.integer({ min: 5_000, max: 20_000 }),
			fee: fc.integer({ min: -5, max: 50 }),
		}),
		{ minLength: 1, maxLength: 5 },
	),
	order: fc.infiniteStream(fc.nat(1_000)),
	repeats: fc.nat(3),
});
const script = fc.record({
	marketType: fc.constantFrom('LINEAR' as const, 'SPOT' as const),
	direction: fc.constantFrom('LONG' as const, 'SHORT' as const),
	feeAsset: fc.constantFrom('quote', 'base', 'third'),
	contracts: fc.constantFrom('1', '0.01'),
	rounds: fc.array(fc.tuple(round, round), { minLength: 1, maxLength: 3 }),
});
type Round = typeof round extends fc.Arbitrary<infer R> ? R : never;

test('any fills, in any order, with repetitions: the books say what a simple reckoning says', async () => {
	await fc.assert(
		fc.asyncProperty(script, async (given) => {
			await empty(books.pool);
			await trade(given);
			expect(await checkLedger(books.pool, {})).toEqual([]);
		}),
		{ numRuns: 40 },
	);
});

async function trade(given: typeof script extends fc.Arbitrary<infer S> ? S : never): Promise<void> {
	const isSpot = given.marketType === 'SPOT';
	const direction = isSpot ? 'LONG' : given.direction;
	const contractSize = isSpot ? '1' : given.contracts;
	const sign = direction === 'LONG' ? 1 : -1;
	const world = await makeWorld(books.pool, { instrument: { marketType: given.marketType, contractSize } });
	const base = world.instrument.symbol.split('/')[0]!;
	const feeAsset = { quote: 'USDT', base: isSpot ? base : 'USDT', third: 'BNB' }[given.feeAsset]!;
	const bot = await makeBot(books.pool, world);

	const balances = new Map<string, Decimal>([['USDT', new Decimal(10_000)]]);
	const add = (asset: string, amount: Decimal.Value) =>
		balances.set(asset, (balances.get(asset) ?? new Decimal(0)).plus(amount));
	let seconds = 0;
	for (const [entry, exit] of given.rounds) {
		seconds += 600;
		let [held, cost, realised, fees] = [new Decimal(0), new Decimal(0), new Decimal(0), new Decimal(0)];
		for (const [step, isEntry] of [
			[entry, true],
			[exit, false],
		] as const) {
			const order = await openOrder(books.pool, bot, { direction: isEntry ? direction : 'CLOSE', now: after(seconds) });
			const average = cost.dividedBy(held.isZero() ? 1 : held);
			const fills = cut(step, order.quantity).map(({ quantity, price, fee }, index) => {
				const notional = quantity.times(price).times(contractSize);
				const paid = feeAsset === base ? quantity.times(fee).dividedBy(10_000) : notional.times(fee).dividedBy(10_000);
				const change = quantity.times(isEntry ? 1 : -1);
				const received = isSpot && isEntry && feeAsset === base ? quantity.minus(paid) : change;
				held = held.plus(received);
				if (isEntry) cost = cost.plus(received.times(price));
				else realised = realised.plus(price.minus(average).times(quantity).times(contractSize).times(sign));
				fees = fees.plus(feeAsset === base ? paid.times(price) : feeAsset === 'USDT' ? paid : 0);
				if (isSpot) {
					add(base, change);
					add('USDT', notional.times(isEntry ? -1 : 1));
				} else if (!isEntry) {
					add('USDT', price.minus(average).times(quantity).times(contractSize).times(sign));
				}
				add(feeAsset, paid.negated());
				return fillOf(order, {
					quantity: quantity.toFixed(),
					price: price.toFixed(),
					fee: paid.toFixed(),
					feeAsset,
					at: after(seconds + index),
				});
			});
			for (const batch of shuffled(step, fills)) {
				await applyFills(books.pool, { accountId: world.accountId, fills: batch, now: after(seconds + 60) });
			}
			seconds += 300;
		}
		await compare(bot.id, { realised, fees, dust: held });
	}
	const booked = await books.pool.query('select asset, booked from account_balances where account_id = $1', [
		world.accountId,
	]);
	for (const row of booked.rows) near(row.booked, balances.get(row.asset) ?? 0, row.asset);
}

async function compare(botId: number, wanted: { realised: Decimal; fees: Decimal; dust: Decimal }): Promise<void> {
	const found = await one<Record<string, string>>(
		books.pool,
		'select * from positions where bot_id = $1 order by id desc limit 1',
		[botId],
	);
	expect(found.status).toBe('CLOSED');
	expect(Number(found.quantity)).toBe(0);
	near(found.realised_pnl!, wanted.realised, 'realised');
	near(found.fees!, wanted.fees, 'fees');
	// What the rounding down to the lot left over.
	near(found.dust_quantity!, wanted.dust, 'dust');
}

/** Divisions of numeric end after some 16 to 20 digits; money is compared to a millionth of a millionth of the stake. */
function near(found: string, wanted: Decimal.Value, what: string): void {
	expect(new Decimal(found).minus(wanted).abs().toNumber(), `${what}: ${found} and ${wanted}`).toBeLessThan(1e-8);
}

/** The order's quantity by weight, the last part what is left. */
function cut({ parts }: Round, quantity: string): { quantity: Decimal; price: Decimal; fee: number }[] {
	const total = parts.reduce((sum, { weight }) => sum + weight, 0);
	let rest = new Decimal(quantity);
	return parts
		.map(({ weight, price, fee }, index) => {
			const isLast = index === parts.length - 1;
			const part = isLast
				? rest
				: new Decimal(quantity).times(weight).dividedBy(total).toDecimalPlaces(3, Decimal.ROUND_UP);
			rest = rest.minus(part);
			return { quantity: part, price: new Decimal(price).dividedBy(100), fee };
		})
		.filter((part) => part.quantity.greaterThan(0));
}

/** Batches of one or more, in the order that the stream says; some fills come again. */
function shuffled<F>({ order, repeats }: Round, fills: readonly F[]): F[][] {
	const keys = order.take(fills.length + repeats);
	const all = [...fills, ...fills.slice(0, repeats)];
	const sorted = all.map((fill) => ({ fill, key: keys.next().value ?? 0 })).toSorted((a, b) => a.key - b.key);
	const batches: F[][] = [];
	for (const { fill, key } of sorted) {
		const last = batches.at(-1);
		if (last === undefined || key % 3 === 0) batches.push([fill]);
		else last.push(fill);
	}
	return batches;
}
