/** One signal, and why it was decided so: recorded factors and regime, and its evaluation once more from the stored candles. */
import { z } from 'zod';
import { signals } from '../../database/views/bots.ts';
import { findRow } from '../../database/views/define.ts';
import { regimes } from '../../database/views/market.ts';
import { reEvaluateSignal } from '../../market/re-evaluate.ts';
import type { ApiContext, ApiServer } from '../context.ts';
import { problemResponses } from '../problems.ts';
import { idParams } from '../schemas.ts';
import { addOne, existingRow } from './one-route.ts';
import { rows } from './rows.ts';

const signal = { view: signals, key: 'signal_id', name: 'signal' } as const;

const explanation = z
	.object({
		signal: rows.signal,
		regime: rows.regime.nullable().meta({ description: 'Of its candle, with the figures behind it' }),
		re_evaluation: z.object({
			recorded_score: z.number().nullable(),
			score: z.number().nullable().meta({ description: 'null where it could not be evaluated again' }),
			difference: z.number().nullable(),
			is_equal: z.boolean().meta({ description: 'Scores and factors within 10^-9' }),
			factors: z.array(
				z.object({
					name: z.string(),
					value: z.number().nullable(),
					score: z.number().nullable(),
					weight: z.number(),
					contribution: z.number().nullable(),
				}),
			),
			differing_factors: z.array(z.string()),
			missing: z.array(z.string()).meta({ description: 'What keeps it from being evaluated as it was, in words' }),
			late_candles: z.array(
				z.object({ instrument_id: z.int(), timeframe: z.string(), open_at: z.date(), recorded_at: z.date() }),
			),
		}),
	})
	.meta({ id: 'SignalExplanation' });

export function addSignals(app: ApiServer, context: ApiContext): void {
	const common = { tag: 'signals', params: idParams };
	addOne(app, context, { ...signal, ...common, url: '/signals/:id', summary: 'One signal', row: rows.signal });
	app.get(
		'/signals/:id/explanation',
		{
			config: { access: 'viewer' },
			schema: {
				tags: ['signals'],
				summary: 'Why a signal was decided so, and whether the stored candles still say the same',
				params: idParams,
				response: { 200: explanation, ...problemResponses },
			},
		},
		async (request) => {
			const row = await existingRow(context, signal, request.params.id);
			const again = await reEvaluateSignal(context.readPool, row.signal_id, context.elsewhere);
			const { instrument_id, timeframe, candle_at } = row;
			return {
				signal: row,
				regime: await findRow(context.readPool, regimes, { instrument_id, timeframe, candle_at }),
				re_evaluation: {
					recorded_score: again.recordedScore,
					score: again.score,
					difference: again.difference,
					is_equal: again.isEqual,
					factors: again.factors.map(({ name, value, score, weight, contribution }) => {
						return { name, value, score, weight, contribution };
					}),
					differing_factors: [...again.differingFactors],
					missing: [...again.missing],
					late_candles: again.lateCandles.map((candle) => ({
						instrument_id: candle.instrumentId,
						timeframe: candle.timeframe,
						open_at: candle.openAt,
						recorded_at: candle.recordedAt,
					})),
				},
			};
		},
	);
}
