/** Bybit's answers, each parsed once at the edge. https://bybit-exchange.github.io/docs/v5/intro */
import { z } from 'zod';

/** Decimal text; Bybit writes an empty one for zero in places. */
const amount = z.string().transform((value) => (value === '' ? '0' : value));
const side = z.enum(['Buy', 'Sell']).transform((value) => (value === 'Buy' ? 'BUY' : 'SELL'));
const time = z.coerce.number().int();

function page<Row extends z.ZodType>(row: Row) {
	return z
		.object({ result: z.object({ list: z.array(row).nullish(), nextPageCursor: z.string().nullish() }) })
		.transform(({ result }) => ({ rows: result.list ?? [], cursor: result.nextPageCursor || undefined }));
}

export const createAnswer = z.object({ result: z.object({ orderId: z.string().min(1) }) });

export const orderPage = page(
	z.object({
		orderId: z.string(),
		orderLinkId: z.string(),
		symbol: z.string(),
		side,
		qty: amount,
		cumExecQty: amount,
		orderStatus: z.string(),
		reduceOnly: z.boolean().optional(),
		stopOrderType: z.string().optional(),
		createType: z.string().optional(),
	}),
);
export type BybitOrder = z.output<typeof orderPage>['rows'][number];

export const executionPage = page(
	z.object({
		symbol: z.string(),
		orderId: z.string(),
		orderLinkId: z.string(),
		execId: z.string(),
		// Funding and settlement entries may name no side.
		side: z.string(),
		orderQty: amount,
		leavesQty: amount,
		execQty: amount,
		execPrice: amount,
		execFee: amount,
		feeCurrency: z.string().optional(),
		execType: z.string(),
		stopOrderType: z.string().optional(),
		createType: z.string().optional(),
		execTime: time,
	}),
);
export type BybitExecution = z.output<typeof executionPage>['rows'][number];

export const positionPage = page(
	z.object({
		symbol: z.string(),
		side: z.enum(['Buy', 'Sell', '', 'None']),
		size: amount,
		avgPrice: amount,
		stopLoss: z.string().optional(),
		takeProfit: z.string().optional(),
	}),
);

export const walletAnswer = z.object({
	result: z.object({
		list: z.array(
			z.object({
				accountMMRate: z.string().optional(),
				coin: z.array(z.object({ coin: z.string(), walletBalance: amount })),
			}),
		),
	}),
});

export const accountAnswer = z.object({ result: z.object({ marginMode: z.string() }) });

export const keyAnswer = z.object({
	result: z.object({
		readOnly: z.coerce.number(),
		permissions: z.object({ Wallet: z.array(z.string()).nullish() }),
	}),
});
