import { z } from 'zod';
import type { Factor } from '../strategy.ts';
import { bounded, lastClose, type Parsed, undefinedScore } from './score.ts';

export const basisFields = {
	/** Difference, as a fraction of the first leg's price, at which the score is full. */
	basis_full: z.number().min(0.0001).max(0.1).default(0.002),
};

type Parameters = Parsed<typeof basisFields>;

/**
 * The second leg's price against the first's, for two markets of one asset such as spot and perpetual: value = (second close −
 * first close) / first close; score = value / `basis_full`. Positive where the second leg is dearer: for a bot of two legs, long
 * the first and short the second. Rises with the second leg's close, falls with the first's. Undefined without a second leg, and
 * while their last candles are not of the same time. Source: cash-and-carry (Hull, on forward and futures prices).
 */
export function basis(parameters: Parameters): Factor {
	return {
		name: 'basis',
		history: 1,
		evaluate(view) {
			const [leg] = view.legs;
			if (leg === undefined || leg.candles.openAt.at(-1) !== view.candles.openAt.at(-1)) return undefinedScore;
			const first = lastClose(view);
			const second = lastClose(leg);
			if (first === null || second === null) return undefinedScore;
			const value = (second - first) / first;
			return { value, score: bounded(value / parameters.basis_full) };
		},
	};
}
