/**
 * One market's prices in whole ticks: points, minutes and their roll-ups. A candle of any length is merged from the same
 * minutes, so a 5m, 1h or 1d candle always equals the roll-up of the 1m candles.
 */
import { minuteMs, type PathSource, pointMs, pointsPerMinute } from './path-source.ts';

/** Prices in ticks, volume in lots, turnover in quote coin. */
export interface Candle {
	openTicks: number;
	highTicks: number;
	lowTicks: number;
	closeTicks: number;
	lots: number;
	turnover: number;
}

/** From `time` on the market stands at `factor` times its path. */
export interface PriceShift {
	readonly time: number;
	readonly factor: number;
}

const minutesPerDay = 1440;
const hourMs = 3_600_000;
const dayMs = 86_400_000;
/** A day of minutes is 40 kB: 250 days in the cache are 10 MB. Hours are kept for 100,000 hours of market, about 10 MB. */
const dayCacheLimit = 250;
const hourCacheLimit = 100_000;

interface DayBlock {
	/** Open, high, low, close of each minute; an open of 0 is a minute without a candle. */
	readonly ticks: Int32Array;
	readonly lots: Float64Array;
}

/** All series share one budget: days go by least recent use, hours all at once. */
export class BlockCache {
	private readonly days = new Map<string, DayBlock>();
	private readonly hours = new Map<Series, Map<number, Candle | null>>();
	private hourCount = 0;
	/** Changes whenever what was read before may be outdated. */
	generation = 0;

	day(key: string, build: () => DayBlock): DayBlock {
		const block = this.days.get(key) ?? build();
		this.days.delete(key);
		this.days.set(key, block);
		const [oldest] = this.days.size > dayCacheLimit ? this.days.keys() : [];
		if (oldest !== undefined) this.days.delete(oldest);
		return block;
	}

	hour(series: Series, time: number, build: () => Candle | null): Candle | null {
		if (this.hourCount >= hourCacheLimit) this.forgetHours();
		let ofSeries = this.hours.get(series);
		if (ofSeries === undefined) {
			ofSeries = new Map();
			this.hours.set(series, ofSeries);
		}
		const known = ofSeries.get(time);
		if (known !== undefined) return known;
		const built = build();
		ofSeries.set(time, built);
		this.hourCount += 1;
		return built;
	}

	forget(): void {
		this.days.clear();
		this.forgetHours();
		this.generation += 1;
	}

	private forgetHours(): void {
		this.hours.clear();
		this.hourCount = 0;
	}
}

export class Series {
	readonly pricesPerUnit: number;
	readonly lotsPerUnit: number;
	private readonly name: string;
	private readonly source: PathSource;
	private readonly cache: BlockCache;
	private readonly shifts: PriceShift[];
	private readonly path = new Float64Array(pointsPerMinute);
	private pathMinute = Number.NaN;
	private pathLots = -1;
	private knownDay = Number.NaN;
	private knownGeneration = 0;
	private knownBlock: DayBlock = { ticks: new Int32Array(0), lots: new Float64Array(0) };

	constructor(
		name: string,
		source: PathSource,
		scale: { priceDecimals: number; lotDecimals: number },
		shifts: PriceShift[],
		cache: BlockCache,
	) {
		this.name = name;
		this.source = source;
		this.pricesPerUnit = 10 ** scale.priceDecimals;
		this.lotsPerUnit = 10 ** scale.lotDecimals;
		this.shifts = shifts;
		this.cache = cache;
	}

	/** The last price at a moment, in ticks; markets with gaps keep the price before the gap. */
	ticksAt(time: number): number {
		const price = this.pathPriceAt(time);
		return price === undefined ? 0 : this.toTicks(price * this.factorAt(time));
	}

	/** The mean of the minute's first and last price: a last price without its wiggle, as a mark price is. */
	smoothTicksAt(time: number): number {
		const price = this.pathPriceAt(time);
		if (price === undefined) return 0;
		const ends = ((this.path[0] ?? price) + (this.path[pointsPerMinute - 1] ?? price)) / 2;
		return this.toTicks((0.5 * ends + 0.5 * price) * this.factorAt(time));
	}

	/** The path's own price at a moment, before any shift. */
	pathPriceAt(time: number): number | undefined {
		const minute = Math.floor(time / minuteMs);
		const known = this.source.minuteWithPrices(minute);
		if (known === undefined) return undefined;
		this.load(known);
		const point = known === minute ? Math.floor((time - minute * minuteMs) / pointMs) : pointsPerMinute - 1;
		return this.path[point];
	}

	/** Adds a shift; candles that were closed before it stay as they are. */
	shift(time: number, ratio: number): PriceShift {
		const shift = { time, factor: this.factorAt(time) * ratio };
		this.shifts.push(shift);
		this.cache.forget();
		return shift;
	}

	/** The candle of [from, to) as known at `now`; undefined where nothing traded. */
	candle(from: number, to: number, now: number): Candle | undefined {
		const end = Math.min(to, now + 1);
		let merged: Candle | undefined;
		for (let time = from; time < end; ) {
			const wholeHour = time % hourMs === 0 && time + hourMs <= to && time + hourMs <= now;
			const next = wholeHour ? this.hourCandle(time) : this.minuteCandle(time, now);
			time += wholeHour ? hourMs : minuteMs;
			if (next !== null) merged = merged === undefined ? { ...next } : merge(merged, next);
		}
		return merged;
	}

	private hourCandle(time: number): Candle | null {
		return this.cache.hour(this, time, () => {
			let merged: Candle | null = null;
			for (let at = time; at < time + hourMs; at += minuteMs) {
				const next = this.minuteCandle(at, time + hourMs);
				if (next !== null) merged = merged === null ? next : merge(merged, next);
			}
			return merged;
		});
	}

	private minuteCandle(time: number, now: number): Candle | null {
		if (now < time + minuteMs) return this.buildMinute(Math.floor(time / minuteMs), now);
		const day = Math.floor(time / dayMs);
		if (day !== this.knownDay || this.cache.generation !== this.knownGeneration) {
			this.knownBlock = this.cache.day(`${this.name}@${day}`, () => this.buildDay(day));
			this.knownDay = day;
			this.knownGeneration = this.cache.generation;
		}
		const { ticks, lots } = this.knownBlock;
		const at = Math.floor(time / minuteMs) - day * minutesPerDay;
		const openTicks = ticks[at * 4] ?? 0;
		if (openTicks === 0) return null;
		const highTicks = ticks[at * 4 + 1] ?? 0;
		const lowTicks = ticks[at * 4 + 2] ?? 0;
		const closeTicks = ticks[at * 4 + 3] ?? 0;
		const candle = { openTicks, highTicks, lowTicks, closeTicks, lots: lots[at] ?? 0, turnover: 0 };
		candle.turnover = this.turnoverOf(candle);
		return candle;
	}

	private buildDay(day: number): DayBlock {
		const block = { ticks: new Int32Array(minutesPerDay * 4), lots: new Float64Array(minutesPerDay) };
		const start = day * dayMs;
		const isStill = !this.shifts.some((shift) => shift.time > start && shift.time < start + dayMs);
		for (let at = 0; at < minutesPerDay; at += 1) {
			if (isStill) this.writeMinute(block, day * minutesPerDay + at, at);
			else writeCandle(block, at, this.buildMinute(day * minutesPerDay + at, Number.POSITIVE_INFINITY));
		}
		return block;
	}

	/** What buildMinute does for a whole minute without a shift, without an object: a day in 0.3 ms. */
	private writeMinute(block: DayBlock, minute: number, at: number): void {
		this.load(minute);
		if (this.pathLots < 0) return;
		const factor = this.shifts.length === 0 ? 1 : this.factorAt(minute * minuteMs);
		let high = 0;
		let low = Number.POSITIVE_INFINITY;
		for (let point = 0; point < pointsPerMinute; point += 1) {
			const price = this.path[point] ?? 0;
			if (price > high) high = price;
			if (price < low) low = price;
		}
		// Rounding keeps order: the rounded extremes are the extremes of the rounded points.
		block.ticks[at * 4] = this.toTicks((this.path[0] ?? 0) * factor);
		block.ticks[at * 4 + 1] = this.toTicks(high * factor);
		block.ticks[at * 4 + 2] = this.toTicks(low * factor);
		block.ticks[at * 4 + 3] = this.toTicks((this.path[pointsPerMinute - 1] ?? 0) * factor);
		block.lots[at] = this.pathLots;
	}

	/** The minute from its points up to `now`; a shift between two points is a price of its own. */
	private buildMinute(minute: number, now: number): Candle | null {
		this.load(minute);
		if (this.pathLots < 0) return null;
		const start = minute * minuteMs;
		const points = Math.min(pointsPerMinute, Math.floor((now - start) / pointMs) + 1);
		let candle: Candle | undefined;
		const include = (ticks: number): void => {
			candle ??= { openTicks: ticks, highTicks: ticks, lowTicks: ticks, closeTicks: ticks, lots: 0, turnover: 0 };
			candle.highTicks = Math.max(candle.highTicks, ticks);
			candle.lowTicks = Math.min(candle.lowTicks, ticks);
			candle.closeTicks = ticks;
		};
		const within = this.shifts.length === 0 ? [] : this.shiftsWithin(start, start + minuteMs, now);
		for (let point = 0; point < points; point += 1) {
			const price = this.path[point] ?? 0;
			const time = start + point * pointMs;
			include(this.toTicks(price * this.factorAt(time)));
			for (const shift of within)
				if (shift.time > time && shift.time < time + pointMs) include(this.toTicks(price * shift.factor));
		}
		if (candle === undefined) return null;
		candle.lots = points === pointsPerMinute ? this.pathLots : Math.floor((this.pathLots * points) / pointsPerMinute);
		candle.turnover = this.turnoverOf(candle);
		return candle;
	}

	private shiftsWithin(from: number, to: number, now: number): readonly PriceShift[] {
		return this.shifts.filter((shift) => shift.time >= from && shift.time < to && shift.time <= now);
	}

	/** What the path is multiplied by at a moment. */
	factorAt(time: number): number {
		for (let index = this.shifts.length - 1; index >= 0; index -= 1) {
			const shift = this.shifts[index];
			if (shift !== undefined && shift.time <= time) return shift.factor;
		}
		return 1;
	}

	private load(minute: number): void {
		if (minute === this.pathMinute) return;
		this.pathLots = this.source.readPath(minute, this.path);
		this.pathMinute = minute;
	}

	private toTicks(price: number): number {
		return Math.max(1, Math.round(price * this.pricesPerUnit));
	}

	private turnoverOf(candle: Omit<Candle, 'turnover'>): number {
		const mean = (candle.openTicks + candle.highTicks + candle.lowTicks + candle.closeTicks) / 4;
		return (candle.lots / this.lotsPerUnit) * (mean / this.pricesPerUnit);
	}
}

function writeCandle(block: DayBlock, at: number, candle: Candle | null): void {
	if (candle === null) return;
	block.ticks.set([candle.openTicks, candle.highTicks, candle.lowTicks, candle.closeTicks], at * 4);
	block.lots[at] = candle.lots;
}

function merge(left: Candle, right: Candle): Candle {
	return {
		openTicks: left.openTicks,
		highTicks: Math.max(left.highTicks, right.highTicks),
		lowTicks: Math.min(left.lowTicks, right.lowTicks),
		closeTicks: right.closeTicks,
		lots: left.lots + right.lots,
		turnover: left.turnover + right.turnover,
	};
}
