/** What can be traded: one spot market and one USDT perpetual for every base asset, or the recorded market alone. */
import { keyOf, uniform } from './noise.ts';
import type { Recording } from './recording.ts';

export type Category = 'spot' | 'linear';

export interface Instrument {
	readonly symbol: string;
	readonly category: Category;
	readonly base: string;
	readonly quote: string;
	readonly priceDecimals: number;
	/** Decimals of a quantity: a lot is 10^-lotDecimals. */
	readonly lotDecimals: number;
	readonly minQty: string;
	/** Smallest order value in the quote coin: minNotionalValue (linear), minOrderAmt (spot). */
	readonly minValue: string;
	readonly maxQty: string;
	readonly maxMarketQty: string;
	/** Largest value of a spot order in the quote coin: maxOrderAmt. */
	readonly maxValue: string;
	/** What orders must be a multiple of; absent: one lot. Books and fills go by lots all the same. */
	readonly qtyStep?: string;
	/** What the instrument list states as tick; absent: one unit of the last decimal of a price. */
	readonly tickSize?: string;
	/** Taken off the list: no orders any more, prices go on. */
	readonly isDelisted?: boolean;
	readonly maxLeverage: number;
	readonly launchTime: number;
	/** For made-up markets: where the price wanders and how wildly. */
	readonly price: number;
	readonly sigma: number;
	/** Traded value of an ordinary minute and of one level of the book, in the quote coin. */
	readonly minuteValue: number;
	readonly levelValue: number;
}

const mostSpotValue = '8000000';

/** Base asset, price level, one-minute volatility, traded USDT a minute: orders of magnitude of the real ones. */
const known: readonly (readonly [string, number, number, number])[] = [
	['BTC', 64_000, 0.0006, 9e5],
	['ETH', 3_100, 0.0008, 6e5],
	['SOL', 148, 0.0011, 3e5],
	['XRP', 0.61, 0.0012, 2e5],
	['DOGE', 0.142, 0.0014, 2e5],
	['ADA', 0.46, 0.0012, 9e4],
	['AVAX', 31.5, 0.0014, 8e4],
	['LINK', 14.2, 0.0013, 8e4],
	['LTC', 82, 0.0009, 6e4],
	['DOT', 6.7, 0.0012, 6e4],
	['TRX', 0.125, 0.0007, 5e4],
	['UNI', 8.9, 0.0016, 5e4],
	['ATOM', 7.8, 0.0013, 4e4],
	['NEAR', 5.4, 0.0018, 4e4],
	['APT', 8.6, 0.0017, 4e4],
	['ARB', 0.94, 0.0018, 4e4],
	['OP', 2.1, 0.0019, 4e4],
	['FIL', 5.1, 0.0015, 3e4],
	['INJ', 24, 0.002, 3e4],
	['SUI', 1.05, 0.0021, 3e4],
	['PEPE', 0.0000118, 0.0026, 5e4],
	['BCH', 455, 0.0011, 4e4],
	['ETC', 26, 0.0012, 3e4],
	['AAVE', 96, 0.0016, 3e4],
];

/** Prices of coins in USDT, for wallet totals where the simulator runs no market of the coin. */
export const referencePrices: Readonly<Record<string, number>> = Object.fromEntries([
	['USDT', 1],
	['USDC', 1],
	...known.map(([base, price]) => [base, price] as const),
]);

export function makeInstruments(seed: number, count: number, launchTime: number): Instrument[] {
	const instruments: Instrument[] = [];
	for (let index = 0; index < count; index += 1) {
		const [base, price, sigma, minuteValue] = known[index] ?? inventAsset(seed, index);
		const priceDecimals = decimalsForPrice(price);
		const lotDecimals = price >= 10_000 ? 3 : price >= 1_000 ? 2 : price >= 10 ? 1 : 0;
		const shared = { base, quote: 'USDT', symbol: `${base}USDT`, price, sigma, minuteValue, launchTime };
		const levelValue = Math.max(4_000, minuteValue / 40);
		instruments.push(
			{
				...shared,
				category: 'spot',
				priceDecimals,
				lotDecimals: lotDecimals + 2,
				minQty: step(lotDecimals + 2),
				minValue: '5',
				maxQty: quantity(8e6 / price, lotDecimals),
				maxMarketQty: quantity(4e6 / price, lotDecimals),
				maxValue: mostSpotValue,
				maxLeverage: 1,
				levelValue: levelValue / 2,
			},
			{
				...shared,
				category: 'linear',
				priceDecimals,
				lotDecimals,
				minQty: step(lotDecimals),
				minValue: '5',
				maxQty: quantity(6e7 / price, lotDecimals),
				maxMarketQty: quantity(1.5e7 / price, lotDecimals),
				maxValue: mostSpotValue,
				maxLeverage: index < 2 ? 100 : 50,
				levelValue,
			},
		);
	}
	return instruments;
}

export function recordedInstrument(recording: Recording, firstMinuteTime: number): Instrument {
	const { base, quote, category, priceDecimals, lotDecimals } = recording;
	const price = recording.open[0] ?? 1;
	// A book level is worth about 6,000 USDT whatever the quote coin is.
	const levelValue = 6_000 / (referencePrices[quote] ?? 1);
	return {
		symbol: `${base}${quote}`,
		category,
		base,
		quote,
		priceDecimals,
		lotDecimals,
		minQty: step(lotDecimals),
		minValue: category === 'linear' ? '5' : quantity(5 / (referencePrices[quote] ?? 1), quote === 'USDT' ? 0 : 5),
		maxQty: quantity((levelValue * 2_000) / price, 0),
		maxMarketQty: quantity((levelValue * 1_000) / price, 0),
		maxValue: mostSpotValue,
		maxLeverage: category === 'linear' ? 50 : 1,
		launchTime: firstMinuteTime,
		price,
		sigma: 0.001,
		minuteValue: levelValue * 10,
		levelValue,
	};
}

/** Beyond the known assets: names that cannot be taken for real coins. */
function inventAsset(seed: number, index: number): readonly [string, number, number, number] {
	const key = keyOf(seed, 'asset', index);
	const price = Number((10 ** (4 * uniform(key, 0) - 1.5)).toPrecision(3));
	return [`SIM${index + 1}`, price, 0.0008 + 0.0017 * uniform(key, 1), 2e4 + 6e4 * uniform(key, 2)];
}

/** About five significant digits: a tick is 0.1 to 1 basis points. */
function decimalsForPrice(price: number): number {
	return Math.max(0, Math.min(10, 4 - Math.floor(Math.log10(price)) + (price >= 10_000 ? 1 : 0)));
}

function step(decimals: number): string {
	return (10 ** -decimals).toFixed(decimals);
}

function quantity(value: number, decimals: number): string {
	return value.toFixed(Math.max(0, decimals));
}
