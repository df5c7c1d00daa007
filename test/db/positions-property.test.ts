/**
 * The life of a position at random: entries that scale in, partial and whole closes, each filled in parts; some parts reported while
 * the order is followed, the rest by reconciliation in mixed batches with repetitions, also long after order and position ended.
 * A reckoning in exact decimals, which knows nothing of SQL, must come to the same.
 */
import { Decimal } from 'decimal.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkLedger } from '../../src/database/functions/guards.ts';
import { applyFills, settleOrder } from '../../src/database/functions/trades.ts';
import { acknowledge, decide, fillOf, type SentOrder, submitTrade } from '../support/factories/trading.ts';
import { after, type Bot, makeBot, makeWorld } from '../support/factories/world.ts';
import { empty, openBooks } from './books.ts';

const books = openBooks();
const Exact = Decimal.clone({ precision: 60 });
const part = fc.record({
	weight: fc.integer({ min: 1, max: 9 }),
	cents: fc.integer({ min: 8_000, max: 12_000 }),
	feeRate: fc.integer({ min: -5, max: 40 }),
	feeAsset: fc.constantFrom('quote', 'base', 'third'),
	isLate: fc.boolean(),
	second: fc.nat(59),
});
const step = fc.record({
	act: fc.constantFrom('enter', 'enter', 'reduce', 'close'),
	share: fc.integer({ min: 10, max: 90 }),
	parts: fc.array(part, { minLength: 1, maxLength: 4 }),
	isEnded: fc.boolean(),
	reconcilesAfter: fc.boolean(),
	repeats: fc.nat(3),
});
const script = fc.record({
	marketType: fc.constantFrom('LINEAR' as const, 'SPOT' as const),
	direction: fc.constantFrom('LONG' as const, 'SHORT' as const),
	contractSize: fc.constantFrom('1', '0.1'),
	steps: fc.array(step, { minLength: 2, maxLength: 7 }),
});
type Script = typeof script extends fc.Arbitrary<infer S> ? S : never;
type Fill = ReturnType<typeof fillOf>;

/** What a position comes to by the fills it is told of, one by one. */
class Reckoning {
	held = new Exact(0);
	/** Of what is held: average price times quantity. */
	cost = new Exact(0);
	realised = new Exact(0);
	fees = new Exact(0);
	exited = new Exact(0);
	dust = new Exact(0);
}

test('positions and money come to what a simple reckoning says, by either way of reporting and in any order', async () => {
	await fc.assert(
		fc.asyncProperty(script, async (given) => {
			await empty(books.pool);
			await new Play(given).run();
		}),
		// On a busy machine fewer, so that a failure still has the time to be made small.
		{ numRuns: 15, interruptAfterTimeLimit: 45_000 },
	);
});

class Play {
	readonly #given: Script;
	readonly #sign: 1 | -1;
	readonly #size: string;
	readonly #known = new Set<string>();
	readonly #filled = new Map<number, Decimal>();
	readonly #orders = new Map<string, { order: SentOrder; reckoning: Reckoning | null; isEntry: boolean }>();
	readonly #balances = new Map<string, Decimal>([['USDT', new Exact(1_000_000)]]);
	readonly #positions: Reckoning[] = [];
	#unreported: Fill[] = [];
	#reported: Fill[] = [];
	#open: Reckoning | null = null;
	#bot!: Bot;
	#base = '';
	#seconds = 0;

	constructor(given: Script) {
		this.#given = given;
		const isSpot = given.marketType === 'SPOT';
		this.#sign = isSpot || given.direction === 'LONG' ? 1 : -1;
		this.#size = isSpot ? '1' : given.contractSize;
	}

	async run(): Promise<void> {
		const { marketType, steps } = this.#given;
		const world = await makeWorld(books.pool, {
			instrument: { marketType, contractSize: this.#size },
			account: { capital: 1_000_000 },
			version: { maxLots: 4 },
		});
		this.#base = world.instrument.symbol.split('/')[0]!;
		this.#bot = await makeBot(books.pool, world);
		for (const each of steps) {
			await this.#step(each);
			if (each.reconcilesAfter) await this.#reconcile(each.repeats);
		}
		await this.#reconcile(3);
		await this.#compare();
	}

	async #step(given: Script['steps'][number]): Promise<void> {
		this.#seconds += 600;
		const now = after(this.#seconds);
		const isEntry = given.act === 'enter';
		const decision = await decide(books.pool, this.#bot, {
			direction: isEntry ? (this.#sign === 1 ? 'LONG' : 'SHORT') : 'CLOSE',
			...(given.act === 'reduce' && this.#open !== null
				? { quantity: this.#open.held.times(given.share).dividedBy(100).toNumber() }
				: {}),
			now,
		});
		if (decision.reasonCode === 'BELOW_MINIMUM' && this.#open !== null) this.#writeOff();
		if (decision.tradeId === null || decision.outcome !== 'QUEUED') return;
		const order = await submitTrade(books.pool, decision.tradeId, { now });
		await acknowledge(books.pool, order, now);
		this.#orders.set(order.clientOrderId, { order, isEntry, reckoning: isEntry ? null : this.#open });

		const fills = this.#cut(order, isEntry, given.parts);
		// The executor follows its order and books what the exchange tells of it, one answer after the other.
		for (const { fill, isLate } of fills) {
			if (isLate) this.#unreported.push(fill);
			else await this.#report([fill], now);
		}
		const filledQuantity = this.#filled.get(order.orderId) ?? new Exact(0);
		const isWhole = filledQuantity.equals(order.quantity);
		// The exchange counts no more fills than it has told of: what comes later comes after the order's end.
		if (!isWhole || given.isEnded)
			await settleOrder(books.pool, {
				orderId: order.orderId,
				status: isWhole ? 'FILLED' : 'CANCELLED',
				filledQuantity: filledQuantity.toFixed(),
				now,
			});
	}

	/** All that was executed lately in one batch, whatever is booked already. */
	async #reconcile(repeats: number): Promise<void> {
		const again = this.#reported.slice(-repeats);
		const batch = [...this.#unreported.toReversed(), ...again];
		this.#unreported = [];
		await this.#report(batch, after(this.#seconds + 300));
	}

	async #report(fills: readonly Fill[], now: Date): Promise<void> {
		const accountId = this.#bot.accountId;
		const [told] = await applyFills(books.pool, { accountId, fills, now });
		const fresh = fills.filter(({ exchange_fill_id: id }) => !this.#known.has(id));
		expect(told).toEqual({ applied: fresh.length, repeated: fills.length - fresh.length, foreignFills: 0 });
		const byTime = (a: Fill, b: Fill) =>
			a.filled_at.localeCompare(b.filled_at) || (a.exchange_fill_id < b.exchange_fill_id ? -1 : 1);
		for (const fill of fresh.toSorted(byTime)) this.#reckon(fill);
		this.#reported.push(...fresh);
	}

	#reckon(fill: Fill): void {
		const { order, isEntry, reckoning } = this.#orders.get(fill.client_order_id)!;
		const [quantity, price, fee] = [fill.quantity, fill.price, fill.fee].map((value) => new Exact(value)) as [
			Decimal,
			Decimal,
			Decimal,
		];
		this.#known.add(fill.exchange_fill_id);
		const filled = (this.#filled.get(order.orderId) ?? new Exact(0)).plus(quantity);
		this.#filled.set(order.orderId, filled);
		const isSpot = this.#given.marketType === 'SPOT';
		const isBaseFee = fill.fee_asset === this.#base;
		let realised = new Exact(0);
		let position = reckoning;
		if (isEntry) {
			position = this.#open ?? new Reckoning();
			if (this.#open === null) this.#positions.push(position);
			this.#open = position;
			const received = isSpot && isBaseFee ? quantity.minus(fee) : quantity;
			position.held = position.held.plus(received);
			position.cost = position.cost.plus(received.times(price));
		} else if (position !== null) {
			const ofHeld = Exact.min(quantity, position.held);
			const ofDust = Exact.min(quantity.minus(ofHeld), position.dust);
			const average = this.#average(position);
			const sold = ofHeld.plus(ofDust);
			realised = price.minus(average).times(sold).times(this.#size).times(this.#sign);
			position.realised = position.realised.plus(realised);
			position.exited = position.exited.plus(sold);
			position.held = position.held.minus(ofHeld);
			position.dust = position.dust.minus(ofDust);
			position.cost = average.times(position.held);
			if (position.held.greaterThan(0) && position.held.lessThan('0.001') && filled.gte(order.quantity)) {
				position.dust = position.dust.plus(position.held);
				position.held = new Exact(0);
			}
			this.#last.set(position, average);
			if (position.held.isZero() && this.#open === position) this.#open = null;
		}
		const valued = isBaseFee ? fee.times(price) : fill.fee_asset === 'USDT' ? fee : new Exact(0);
		position!.fees = position!.fees.plus(valued);
		this.#move(fill.fee_asset, fee.negated());
		if (isSpot) {
			const sign = fill.side === 'BUY' ? 1 : -1;
			this.#move(this.#base, quantity.times(sign));
			this.#move('USDT', quantity.times(price).times(-sign));
		} else this.#move('USDT', realised);
	}

	/** Average entry of positions that hold nothing any more. */
	readonly #last = new Map<Reckoning, Decimal>();

	#average(position: Reckoning): Decimal {
		return position.held.isZero() ? (this.#last.get(position) ?? new Exact(0)) : position.cost.dividedBy(position.held);
	}

	#writeOff(): void {
		const position = this.#open!;
		this.#last.set(position, this.#average(position));
		position.dust = position.dust.plus(position.held);
		position.held = new Exact(0);
		this.#open = null;
	}

	#move(asset: string, amount: Decimal): void {
		this.#balances.set(asset, (this.#balances.get(asset) ?? new Exact(0)).plus(amount));
	}

	#cut(order: SentOrder, isEntry: boolean, parts: Script['steps'][number]['parts']) {
		const total = parts.reduce((sum, { weight }) => sum + weight, 0);
		let rest = new Exact(order.quantity);
		return parts.flatMap(({ weight, cents, feeRate, feeAsset, isLate, second }, index) => {
			const share = new Exact(order.quantity).times(weight).dividedBy(total).toDecimalPlaces(3, Decimal.ROUND_DOWN);
			const quantity = index === parts.length - 1 ? rest : share;
			rest = rest.minus(quantity);
			if (quantity.isZero()) return [];
			const price = new Exact(cents).dividedBy(100);
			// Spot takes a buyer's fee in what is bought; what is sold is paid for in the quote asset.
			const isBase = feeAsset === 'base' && this.#given.marketType === 'SPOT' && isEntry;
			const asset = isBase ? this.#base : feeAsset === 'third' ? 'BNB' : 'USDT';
			const notional = quantity.times(price).times(this.#size);
			const fee = (isBase ? quantity : notional).times(feeRate).dividedBy(10_000);
			const at = after(this.#seconds + second);
			const options = { quantity: quantity.toFixed(), price: price.toFixed(), fee: fee.toFixed(), feeAsset: asset, at };
			return [{ fill: fillOf(order, options), isLate }];
		});
	}

	async #compare(): Promise<void> {
		expect(await checkLedger(books.pool, {})).toEqual([]);
		const { rows } = await books.pool.query('select * from positions where bot_id = $1 order by id', [this.#bot.id]);
		expect(rows).toHaveLength(this.#positions.length);
		for (const [index, row] of rows.entries()) {
			const wanted = this.#positions[index]!;
			expect(row.status).toBe(wanted.held.isZero() ? 'CLOSED' : 'OPEN');
			expect(row.quantity, 'held').toSatisfy((found: string) => wanted.held.equals(found));
			expect(row.dust_quantity, 'dust').toSatisfy((found: string) => wanted.dust.equals(found));
			expect(row.exited_quantity, 'exited').toSatisfy((found: string) => wanted.exited.equals(found));
			expect(row.fees, 'fees').toSatisfy((found: string) => wanted.fees.equals(found));
			near(row.realised_pnl, wanted.realised, 'realised');
			if (row.status === 'OPEN') near(row.average_entry_price, this.#average(wanted), 'average entry');
		}
		const booked = await books.pool.query('select asset, booked from account_balances where booked <> 0');
		for (const { asset, booked: found } of booked.rows) near(found, this.#balances.get(asset) ?? 0, asset);
		for (const [asset, amount] of this.#balances)
			if (amount.abs().gt(1e-8)) expect(booked.rows.map((row) => row.asset)).toContain(asset);
	}
}

/** Only an average has endless digits; PostgreSQL keeps 16 or more of them. */
function near(found: string, wanted: Decimal.Value, what: string): void {
	expect(new Exact(found).minus(wanted).abs().toNumber(), `${what}: ${found} and ${wanted}`).toBeLessThan(1e-8);
}
