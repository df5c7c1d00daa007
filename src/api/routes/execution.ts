/** One trade, order, position, instrument; and a PARKED trade settled by a person's word. */
import { z } from 'zod';
import { resolveTrade } from '../../database/functions/trades.ts';
import { orders, positions, trades } from '../../database/views/execution.ts';
import { exchangeHealth, instruments } from '../../database/views/market.ts';
import { BotboxError } from '../../errors.ts';
import { callerOf } from '../access.ts';
import type { ApiContext, ApiServer } from '../context.ts';
import { problemResponses } from '../problems.ts';
import { idParams, lineSchema, nameParams, notNegativeDecimal, positiveDecimal, uuidParams } from '../schemas.ts';
import { addOne, existingRow } from './one-route.ts';
import { rows } from './rows.ts';

const trade = { view: trades, key: 'trade_id', name: 'trade' } as const;

const resolution = z
	.discriminatedUnion('outcome', [
		z.strictObject({ outcome: z.literal('NOT_FILLED'), reason: lineSchema(200) }),
		z.strictObject({
			outcome: z.literal('FILLED'),
			reason: lineSchema(200).meta({ description: 'How it is known' }),
			quantity: positiveDecimal,
			price: positiveDecimal.meta({ description: 'Average price of the fill' }),
			fee: notNegativeDecimal.optional().meta({ description: '0 by default' }),
			fee_asset: lineSchema(20).optional().meta({ description: 'The settlement asset by default' }),
			exchange_order_id: lineSchema(100)
				.optional()
				.meta({ description: "The exchange's id of the order, if it shows one" }),
		}),
	])
	.meta({ id: 'TradeResolution' });

export function addExecution(app: ApiServer, context: ApiContext): void {
	const tag = 'execution';
	addOne(app, context, {
		...trade,
		...{ url: '/trades/:id', tag, summary: 'One trade', params: uuidParams, row: rows.trade },
	});
	addOne(app, context, {
		...{ url: '/orders/:id', tag, summary: 'One order', params: idParams },
		...{ view: orders, row: rows.order, key: 'order_id', name: 'order' },
	});
	addOne(app, context, {
		...{ url: '/positions/:id', tag, summary: 'One position', params: idParams },
		...{ view: positions, row: rows.position, key: 'position_id', name: 'position' },
	});
	addOne(app, context, {
		...{ url: '/instruments/:id', tag: 'market', summary: 'One instrument', params: idParams },
		...{ view: instruments, row: rows.instrument, key: 'instrument_id', name: 'instrument' },
		missing: 'INSTRUMENT_NOT_FOUND',
	});
	addOne(app, context, {
		...{ url: '/exchanges/:id', tag: 'market', summary: 'One exchange in use', params: nameParams },
		...{ view: exchangeHealth, row: rows.exchange, key: 'exchange_id', name: 'exchange in use called' },
	});
	app.post(
		'/trades/:id/resolve',
		{
			config: { access: 'operator' },
			schema: {
				tags: [tag],
				summary: 'Say what became of the order of a PARKED trade, as the exchange itself shows it',
				params: uuidParams,
				body: resolution,
				response: { 200: rows.trade, ...problemResponses },
			},
		},
		async (request) => {
			const { id } = request.params;
			const { body } = request;
			const status = await resolveTrade(context.pool, {
				tradeId: id,
				isFilled: body.outcome === 'FILLED',
				reason: body.reason,
				...(body.outcome === 'FILLED'
					? {
							quantity: body.quantity,
							price: body.price,
							fee: body.fee,
							feeAsset: body.fee_asset,
							exchangeOrderId: body.exchange_order_id,
						}
					: {}),
				actor: callerOf(request).actor,
				now: context.clock?.(),
			});
			if (status === null) throw new BotboxError('NOT_FOUND', `there is no trade ${id}`);
			return await existingRow(context, trade, id);
		},
	);
}
