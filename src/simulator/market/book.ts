/** A small seeded order book around the last price: what market orders walk through. */
import { keyOf, uniform } from './noise.ts';

export interface Level {
	readonly ticks: number;
	/** Lots left; orders that walk the book take from here. */
	lots: number;
}

export interface Book {
	/** The point of the price path that this book belongs to. */
	readonly point: number;
	/** Best first. */
	readonly bids: Level[];
	readonly asks: Level[];
}

export interface BookShape {
	readonly seed: number;
	readonly symbol: string;
	readonly category: string;
	readonly lotsPerUnit: number;
	readonly pricesPerUnit: number;
	readonly levelValue: number;
}

export const bookLevels = 40;
/** Half the spread is 0.4 to 1.2 basis points, at least one tick. */
const leastHalfSpread = 0.00004;
const halfSpreadRange = 0.00008;

export function makeBook(shape: BookShape, point: number, lastTicks: number): Book {
	const key = keyOf(shape.seed, shape.symbol, shape.category, 'book');
	const share = leastHalfSpread + halfSpreadRange * uniform(key, point);
	const half = Math.max(1, Math.round(lastTicks * share));
	const meanLots = (shape.levelValue / (lastTicks / shape.pricesPerUnit)) * shape.lotsPerUnit;
	const side = (direction: 1 | -1): Level[] => {
		const levels: Level[] = [];
		let ticks = lastTicks + direction * half;
		for (let level = 0; level < bookLevels; level += 1) {
			if (ticks < 1) break;
			const draw = uniform(key ^ (direction * 0x2545f491), point * bookLevels + level);
			// Deeper levels are thicker and further apart, as books are.
			levels.push({ ticks, lots: Math.max(1, Math.round(meanLots * (0.5 + draw) * (1 + level * 0.12))) });
			ticks += direction * Math.max(1, Math.round(half * (0.5 + draw) * (1 + level * 0.05)));
		}
		return levels;
	};
	return { point, bids: side(-1), asks: side(1) };
}
