/** Parameters of the grid: what each may be, and what they may be together. */
import { z } from 'zod';
import { regimeDirections, timeframeMs } from '../domain.ts';
import { ladderHistory, type RangeRule } from './grid-levels.ts';

/** Candles that a strategy version may ask for. */
const mostHistory = 5_000;

const fraction = z.number().gt(0).lt(1);
const price = z.number().positive();

export const gridParameters = z
	.strictObject({
		timeframe: z.enum(['1m', '5m', '15m', '1h']).default('5m'),
		grid: z.enum(['atr', 'range']).default('atr'),
		lower: price.nullable().default(null),
		upper: price.nullable().default(null),
		center_period: z.int().min(2).max(1_000).default(48),
		atr_period: z.int().min(2).max(1_000).default(14),
		atr_factor: z.number().gt(0).max(100).default(2),
		min_step_fraction: fraction.default(0.003),
		spacing: z.enum(['arithmetic', 'geometric']).default('arithmetic'),
		levels: z.int().min(1).max(100).default(5),
		max_lots: z.int().min(1).max(100).nullable().default(null),
		direction: z.enum(['LONG', 'SHORT', 'BOTH']).default('LONG'),
		out_of_range: z.enum(['hold', 'close']).default('close'),
		stop_loss_fraction: fraction.nullable().default(0.05),
		take_profit_fraction: fraction.nullable().default(null),
		trailing_stop_fraction: fraction.nullable().default(null),
		max_holding_minutes: z.int().min(1).nullable().default(2_880),
		favourable_regimes: z.array(z.enum(regimeDirections)).min(1).default(['RANGING']),
	})
	.superRefine((values, context) => {
		const refuse = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
		const { levels, lower, upper, max_lots: maxLots } = values;
		if (maxLots !== null && maxLots > levels) refuse('max_lots', `must not exceed levels (${levels}), is ${maxLots}`);
		if (values.grid === 'range') {
			for (const [field, value] of Object.entries({ lower, upper }))
				if (value === null) refuse(field, 'a grid of kind range needs it');
			if (lower !== null && upper !== null && lower >= upper)
				refuse('lower', `must be below upper (${upper}), is ${lower}`);
			return;
		}
		for (const [field, value] of Object.entries({ lower, upper }))
			if (value !== null) refuse(field, 'only a grid of kind range has it');
		const most = Math.floor(
			((mostHistory - ladderHistory(rangeRule(values)) - 1) * timeframeMs[values.timeframe]) / 60_000,
		);
		const limit = values.max_holding_minutes;
		if (limit === null)
			refuse(
				'max_holding_minutes',
				'a grid of kind atr needs it: its lines are found again in the candles before the entry',
			);
		else if (limit > most)
			refuse('max_holding_minutes', `must be at most ${most} on ${values.timeframe} candles, is ${limit}`);
	});
export type GridParameters = z.output<typeof gridParameters>;

/** How the lines of a grid of kind atr are found. */
export function rangeRule(
	values: Pick<GridParameters, 'center_period' | 'atr_period' | 'atr_factor' | 'min_step_fraction' | 'spacing'>,
): RangeRule {
	return {
		centerPeriod: values.center_period,
		atrPeriod: values.atr_period,
		atrFactor: values.atr_factor,
		minStepFraction: values.min_step_fraction,
		spacing: values.spacing,
	};
}
