/** Sizes of entries: each kind of sizing, the limits of leverage and instrument, and what is missing. */
import { expect, test } from 'vitest';
import { decide } from '../support/factories/trading.ts';
import { makeBot, makeWorld } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

async function sized(
	sizing: { readonly kind: 'CAPITAL_FRACTION' | 'VOLATILITY_TARGET'; readonly value: number },
	options: {
		atr?: number;
		lots?: number;
		leverage?: number;
		contractSize?: string;
		maximumQuantity?: string;
		maximumNotional?: string;
	} = {},
): Promise<unknown> {
	const { contractSize, maximumQuantity, maximumNotional, leverage = 1, atr, lots } = options;
	const instrument = {
		...(contractSize === undefined ? {} : { contractSize }),
		...(maximumQuantity === undefined ? {} : { maximumQuantity }),
		...(maximumNotional === undefined ? {} : { maximumNotional }),
	};
	const world = await makeWorld(books.pool, { instrument, account: { capital: 10_000 }, version: { maxLots: 9 } });
	const bot = await makeBot(books.pool, world, { sizing, leverage });
	const made = await decide(books.pool, bot, {
		price: 200,
		...(atr === undefined ? {} : { atr }),
		...(lots === undefined ? {} : { lots }),
	});
	const { quantity } = await one<{ quantity: string | null }>(
		books.pool,
		'select quantity from signals where id = $1',
		[made.signalId],
	);
	return made.outcome === 'QUEUED' ? Number(quantity) : made.reasonCode;
}

const fraction = (value: number) => ({ kind: 'CAPITAL_FRACTION', value }) as const;
const volatility = (value: number) => ({ kind: 'VOLATILITY_TARGET', value }) as const;

test('a share of the capital', async () => {
	expect(await sized(fraction(0.1))).toBe(5);
	expect(await sized(fraction(0.1), { lots: 3 })).toBe(15);
	expect(await sized(fraction(0.1), { contractSize: '0.1' })).toBe(50);
});

test('a volatility target costs the share of the capital when the price moves one ATR against it', async () => {
	// 1% of 10,000 is 100: at an ATR of 8 that is 12.5, at one of 3 it is 33.333.
	expect(await sized(volatility(0.01), { atr: 8 })).toBe(12.5);
	expect(await sized(volatility(0.01), { atr: 3 })).toBe(33.333);
	expect(await sized(volatility(0.01), { atr: 8, lots: 2 })).toBe(25);
	// A contract of a tenth loses a tenth.
	expect(await sized(volatility(0.01), { atr: 8, contractSize: '0.1' })).toBe(125);
});

test('a volatility target never has more notional than capital times leverage', async () => {
	// Unlimited it would be 100 / 0.5 = 200, worth 40,000; at leverage 2 it is worth 20,000: all, of which fees leave too little.
	expect(await sized(volatility(0.01), { atr: 0.5, leverage: 2 })).toBe('INSUFFICIENT_CAPITAL');
	expect(await one(books.pool, 'select quantity::float as quantity from signals')).toEqual({ quantity: 100 });
	expect(await sized(volatility(0.01), { atr: 0, leverage: 2 })).toBe('INSUFFICIENT_CAPITAL');
	expect(await sized(volatility(0.01), { atr: 0.5, leverage: 5 })).toBe(200);
});

test('VOLATILITY_UNKNOWN without an ATR; other sizings need none', async () => {
	expect(await sized(volatility(0.01))).toBe('VOLATILITY_UNKNOWN');
	expect(await one(books.pool, 'select details, quantity from signals')).toEqual({
		details: { sizing: 'VOLATILITY_TARGET' },
		quantity: null,
	});
	expect(await sized(volatility(0.01), { maximumQuantity: '7' })).toBe('VOLATILITY_UNKNOWN');
});

test('the largest order of the instrument caps every sizing', async () => {
	expect(await sized(fraction(0.1), { maximumQuantity: '2.5005' })).toBe(2.5);
	expect(await sized(volatility(0.01), { atr: 8, maximumQuantity: '7' })).toBe(7);
	expect(await sized({ kind: 'CAPITAL_FRACTION', value: 0.1 }, { lots: 3, maximumQuantity: '12' })).toBe(10);
	expect(await sized(fraction(0.1), { maximumNotional: '500.1' })).toBe(2.5);
	expect(await sized(fraction(0.1), { maximumNotional: '500', contractSize: '0.5' })).toBe(5);
});
