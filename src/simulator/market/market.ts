/** All markets of the simulated exchange: their instruments, prices, books, candles and funding rates. */
import type { FundingSetting, InstrumentChange } from '../state/entities.ts';
import { type Book, makeBook } from './book.ts';
import { type Category, type Instrument, makeInstruments, recordedInstrument, referencePrices } from './instruments.ts';
import { keyOf, signed } from './noise.ts';
import { minuteMs, pointMs } from './path-source.ts';
import { RecordedSource, type Recording } from './recording.ts';
import { BlockCache, type Candle, type PriceShift, Series } from './series.ts';
import { SyntheticSource } from './synthetic.ts';

export interface MarketOptions {
	readonly seed: number;
	readonly instrumentCount: number;
	/** Listing time of made-up markets: no candle is older. */
	readonly launchTime: number;
	readonly recording?: { readonly recording: Recording; readonly offset: number };
	/** Price shifts by `category:symbol`; the market appends to these lists. */
	readonly shifts: Map<string, PriceShift[]>;
	/** Funding that was set from outside, in the order of its times; the market only reads it. */
	readonly funding?: readonly FundingSetting[];
	/** Figures that were changed from outside before, in their order. */
	readonly changes?: readonly InstrumentChange[];
}

export interface Listing {
	instrument: Instrument;
	readonly series: Series;
	book: Book | undefined;
}

export interface Ticker {
	readonly last: number;
	readonly mark: number;
	readonly index: number;
	readonly day: Candle | undefined;
	readonly previousDay: number;
	readonly previousHour: number;
}

export const fundingIntervalMs = 8 * 3_600_000;
const dayMs = 86_400_000;

export class Market {
	readonly listings: readonly Listing[];
	private readonly options: MarketOptions;
	private readonly byKey = new Map<string, Listing>();
	private readonly tickers = new Map<string, { readonly point: number; readonly ticker: Ticker }>();

	constructor(options: MarketOptions) {
		this.options = options;
		const { recording } = options;
		const instruments =
			recording === undefined
				? makeInstruments(options.seed, options.instrumentCount, options.launchTime)
				: [recordedInstrument(recording.recording, recording.recording.start + recording.offset)];
		const cache = new BlockCache();
		this.listings = instruments.map((instrument) => this.list(instrument, cache));
		for (const change of options.changes ?? []) this.change(change);
	}

	find(category: Category, symbol: string): Listing | undefined {
		return this.byKey.get(`${category}:${symbol}`);
	}

	inCategory(category: string): Listing[] {
		return this.listings.filter((listing) => listing.instrument.category === category);
	}

	/** States other figures of a market; false where there is no such market. */
	change({ symbol, category, ...figures }: InstrumentChange): boolean {
		const listing = this.find(category, symbol);
		if (listing === undefined) return false;
		const stated = Object.entries(figures).filter(([, value]) => value !== undefined);
		listing.instrument = { ...listing.instrument, ...Object.fromEntries(stated) };
		return true;
	}

	/** The book of the present point; within a point it keeps what orders took from it. */
	book(listing: Listing, now: number): Book {
		const point = Math.floor(now / pointMs);
		const lastTicks = listing.series.ticksAt(now);
		if (listing.book?.point !== point) {
			const { instrument, series } = listing;
			const { lotsPerUnit, pricesPerUnit } = series;
			listing.book = makeBook({ ...instrument, seed: this.options.seed, lotsPerUnit, pricesPerUnit }, point, lastTicks);
		}
		return listing.book;
	}

	/** Mark price in ticks: the last price without its jitter (spot: the last price). */
	markTicks(listing: Listing, now: number): number {
		return listing.instrument.category === 'spot' ? listing.series.ticksAt(now) : listing.series.smoothTicksAt(now);
	}

	/** Index price in ticks of this listing: the spot market's price where there is one. */
	indexTicks(listing: Listing, now: number): number {
		const spot = this.find('spot', listing.instrument.symbol);
		return (spot ?? listing).series.ticksAt(now);
	}

	ticker(listing: Listing, now: number): Ticker {
		const { series, instrument } = listing;
		const key = `${instrument.category}:${instrument.symbol}`;
		const point = Math.floor(now / pointMs);
		const known = this.tickers.get(key);
		if (known?.point === point) return known.ticker;
		// The rolling day starts on a whole minute, so that it is made of whole candles.
		const dayAgo = Math.ceil((now - dayMs) / minuteMs) * minuteMs;
		const ticker = {
			last: series.ticksAt(now),
			mark: this.markTicks(listing, now),
			index: this.indexTicks(listing, now),
			day: series.candle(dayAgo, now + 1, now),
			previousDay: series.ticksAt(dayAgo),
			previousHour: series.ticksAt(now - 3_600_000),
		};
		this.tickers.set(key, { point, ticker });
		return ticker;
	}

	/** The rate that is paid at `time`, a multiple of eight hours: as set, else 0.01% and a slow seeded part, at most ±0.1%. */
	fundingRate(symbol: string, time: number): number {
		const set = this.options.funding?.findLast((setting) => setting.symbol === symbol && setting.from <= time);
		if (set !== undefined && set.rate !== null) return set.rate;
		const key = keyOf(this.options.seed, symbol, 'funding');
		const slot = Math.floor(time / fundingIntervalMs);
		const slow = signed(key, Math.floor(slot / 6));
		const rate = 0.0001 + 0.00018 * slow + 0.00005 * signed(key ^ 0x1234567, slot);
		return Math.round(Math.max(-0.001, Math.min(0.001, rate)) * 1e8) / 1e8;
	}

	/** Moves both markets of a symbol so that the one asked for stands at `price`; answers the shifts to be kept. */
	move(
		symbol: string,
		category: Category | undefined,
		price: number,
		now: number,
	): Map<string, PriceShift> | undefined {
		const asked = category === undefined ? undefined : this.find(category, symbol);
		const lead = asked ?? this.find('linear', symbol) ?? this.find('spot', symbol);
		if (lead === undefined || (category !== undefined && asked === undefined)) return undefined;
		const path = lead.series.pathPriceAt(now);
		if (path === undefined) return undefined;
		const shifts = new Map<string, PriceShift>();
		const ratio = price / (path * lead.series.factorAt(now));
		for (const listing of this.listings) {
			if (listing.instrument.symbol !== symbol) continue;
			const key = `${listing.instrument.category}:${symbol}`;
			shifts.set(key, listing.series.shift(now, ratio));
			listing.book = undefined;
			this.tickers.delete(key);
		}
		return shifts;
	}

	/** What a coin is worth in USDT. */
	valueInUsdt(coin: string, now: number): number {
		const listing = this.find('spot', `${coin}USDT`) ?? this.find('linear', `${coin}USDT`);
		if (listing !== undefined) return listing.series.ticksAt(now) / listing.series.pricesPerUnit;
		const reference = referencePrices[coin];
		if (reference !== undefined) return reference;
		const against = this.listings.find((other) => other.instrument.base === coin);
		if (against === undefined) return 0;
		const price = against.series.ticksAt(now) / against.series.pricesPerUnit;
		return price * (referencePrices[against.instrument.quote] ?? 0);
	}

	private list(instrument: Instrument, cache: BlockCache): Listing {
		const { seed, recording, launchTime, shifts } = this.options;
		const key = `${instrument.category}:${instrument.symbol}`;
		const source =
			recording === undefined
				? new SyntheticSource({
						...instrument,
						seed,
						lotsPerUnit: 10 ** instrument.lotDecimals,
						firstMinute: Math.floor(launchTime / minuteMs),
					})
				: new RecordedSource(recording.recording, recording.offset, seed);
		const own = shifts.get(key) ?? [];
		shifts.set(key, own);
		const listing = { instrument, series: new Series(key, source, instrument, own, cache), book: undefined };
		this.byKey.set(key, listing);
		return listing;
	}
}
