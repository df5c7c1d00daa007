/**
 * Execution: claims trades, closes first, and carries each to its venue.
 *
 * Reads: trade_queue. Writes: through claim_trades, submit_order, record_order_result, apply_fills, settle_order, and
 * record_instruments after a refusal. Idempotency keys: the order's client_order_id, and the exchange's fill ids. A crash before
 * submit_order leaves a claim that lapses and a trade that is taken up again; a crash after it leaves an order SUBMITTING that
 * becomes UNKNOWN when the lease lapses and is asked for at the exchange before anything else happens to it.
 */
import { performance } from 'node:perf_hooks';
import { findStopsInTheWay } from '../database/functions/guards.ts';
import {
	type ClaimedTrade,
	claimTrades,
	recordInstrumentSettings,
	recordOrderResult,
	releaseTrades,
	submitOrder,
} from '../database/functions/trades.ts';
import { BotboxError, errorMessage } from '../errors.ts';
import type { MarginMode, SendOutcome, TradingVenue } from '../exchange/venue.ts';
import { ordersSentTotal, signalToOrderSeconds } from '../metrics.ts';
import { deriveClientOrderId } from './client-order-id.ts';
import { again, done, type RunResult, type WorkerContext } from './context.ts';
import { crashPoint } from './crash-points.ts';
import { handOverStops, syncAccount } from './reconcile.ts';
import { refreshAfterRefusal } from './refresh-markets.ts';
import { followOrder } from './settle-orders.ts';

const claimLimit = 10;
/** A trade's claim: a sender must have begun to send by then, less the venue's own timeout. */
export const tradeLeaseMs = 20_000;
/** Nothing is sent in the last part of a lease, so that an answer can still arrive within it. */
const sendMarginMs = 2_000;
/** From being queued to being sent, where the limiter is what keeps it waiting. */
const entryPatienceMs = 30_000;
const closePatienceMs = 1_000;

export async function executeTrades(context: WorkerContext, now?: Date): Promise<RunResult> {
	const claimedAt = performance.now();
	crashPoint('execute:before-claim');
	const trades = await claimTrades(context.pool, {
		workerId: context.workerId,
		limit: claimLimit,
		leaseMs: tradeLeaseMs,
		liveAccounts: context.config.liveAccounts,
		reconciledSince: context.startedAt,
		now,
	});
	if (trades.length > 0) crashPoint('execute:after-claim');
	await Promise.all(trades.map((trade) => executeTrade(context, trade, claimedAt, now)));
	return trades.length === claimLimit ? again : done;
}

async function executeTrade(context: WorkerContext, trade: ClaimedTrade, claimedAt: number, now?: Date): Promise<void> {
	const { pool, workerId } = context;
	const log = context.log.child({ bot: trade.botId, trade: trade.tradeId });
	const clientOrderId = trade.clientOrderId ?? deriveClientOrderId(context.installationId, trade.tradeId);
	let orderId = null as number | null;
	let outcome: SendOutcome;
	let venue: TradingVenue;
	try {
		venue = await context.venues.tradingVenue(trade.accountId);
		if (trade.direction !== 'CLOSE') {
			await prepare(context, venue, trade, now);
			await clearTheWay(context, venue, trade, now);
		}
	} catch (error) {
		// Nothing was committed and nothing sent: the trade goes back and is tried again until its time is over.
		log.warn({ error: errorMessage(error) }, 'trade could not be prepared');
		// If the exchange has no such market any more, expire_trades ends the trade.
		const isRefused = error instanceof BotboxError && ['EXCHANGE_REFUSED', 'INSTRUMENT_NOT_FOUND'].includes(error.code);
		if (isRefused) await refreshAfterRefusal(context, trade.exchangeId, now);
		await releaseTrades(pool, {
			tradeIds: [trade.tradeId],
			workerId,
			retryAfterMs: 5_000,
			error: errorMessage(error).slice(0, 500),
			now,
		});
		return;
	}
	try {
		outcome = await venue.createOrder(
			{
				instrumentId: trade.instrumentId,
				symbol: trade.symbol,
				marketType: trade.marketType,
				side: trade.side,
				quantity: trade.quantity,
				clientOrderId,
				isClose: trade.direction === 'CLOSE',
				patienceMs: patienceMs(trade, now),
				stopLossPrice: trade.protection === 'EXCHANGE' ? trade.stopLossPrice : null,
				takeProfitPrice: trade.protection === 'EXCHANGE' ? trade.takeProfitPrice : null,
			},
			async () => {
				// The order row is committed before anything leaves this process; without a row nothing may be sent.
				crashPoint('execute:before-submit');
				const [order] = await submitOrder(pool, { tradeId: trade.tradeId, workerId, clientOrderId, now });
				if (order === undefined) return null;
				orderId = order.orderId;
				crashPoint('execute:after-submit');
				return { reduceOnly: order.isReduceOnly, mustSendBefore: claimedAt + tradeLeaseMs - sendMarginMs };
			},
		);
	} catch (error) {
		// Nobody knows how far it came. Without an order row nothing was sent; with one the exchange must be asked.
		outcome = { kind: 'UNKNOWN', message: errorMessage(error) };
	}

	if (orderId === null) {
		crashPoint('execute:before-release');
		const retryAfterMs = outcome.kind === 'NOT_SENT' ? outcome.retryAfterMs : 1_000;
		await releaseTrades(pool, { tradeIds: [trade.tradeId], workerId, retryAfterMs, now });
		crashPoint('execute:after-release');
		log.debug({ outcome }, 'trade handed back unsent');
		return;
	}
	crashPoint('execute:after-send');
	ordersSentTotal.inc({ outcome: outcome.kind });
	// What is recorded next looks whether the market has changed: then the order is cut to it and sent once more.
	if (outcome.kind === 'REFUSED' && outcome.mayBeOutdated) await refreshAfterRefusal(context, trade.exchangeId, now);
	const state = await recordOutcome(context, orderId, outcome, now);
	crashPoint('execute:after-record-result');
	log.info({ order: orderId, clientOrderId, outcome: outcome.kind, state, ...describe(outcome) }, 'order sent');
	if (outcome.kind === 'REFUSED' && trade.direction === 'CLOSE') {
		// Most often the exchange's own stop came first: what it filled is booked before the close is tried again.
		await syncAccount(context, trade.accountId, now).catch((error: unknown) =>
			log.warn({ error: errorMessage(error) }, 'fills could not be fetched'),
		);
	}
	if (outcome.kind === 'ACKNOWLEDGED') {
		const sinceMs = (now?.getTime() ?? Date.now()) - trade.queuedAt.getTime();
		signalToOrderSeconds.observe({ direction: trade.direction }, Math.max(sinceMs, 0) / 1_000);
		await followOrder(
			context,
			{
				orderId,
				accountId: trade.accountId,
				instrumentId: trade.instrumentId,
				symbol: trade.symbol,
				clientOrderId,
				exchangeOrderId: outcome.exchangeOrderId,
				quantity: trade.quantity,
			},
			now,
		);
	}
}

/** What the limiter holds back for longer than an accepted signal may take counts as denied. */
function patienceMs(trade: ClaimedTrade, now?: Date): number {
	const waitedMs = (now?.getTime() ?? Date.now()) - trade.queuedAt.getTime();
	return Math.max((trade.direction === 'CLOSE' ? closePatienceMs : entryPatienceMs) - waitedMs, 0);
}

/** Leverage and margin mode are set once per account and instrument, by whichever worker comes first. */
async function prepare(context: WorkerContext, venue: TradingVenue, trade: ClaimedTrade, now?: Date): Promise<void> {
	if (trade.isPrepared || trade.marketType === 'SPOT' || trade.accountMode === 'PAPER') return;
	const { accountId, instrumentId, leverage } = trade;
	const marginMode = trade.marginMode as MarginMode | null;
	await venue.prepareInstrument(trade.symbol, trade.marketType, { leverage, marginMode });
	await recordInstrumentSettings(context.pool, { accountId, instrumentId, leverage, marginMode, now });
}

/** The exchange's stops of another bot's position would close what this entry opens as well: they go to the guard first. */
async function clearTheWay(
	context: WorkerContext,
	venue: TradingVenue,
	trade: ClaimedTrade,
	now?: Date,
): Promise<void> {
	if (trade.accountMode === 'PAPER' || trade.marketType === 'SPOT') return;
	const { accountId, instrumentId, botId, symbol } = trade;
	const found = await findStopsInTheWay(context.pool, { accountId, instrumentId, botId });
	if (found.length === 0) return;
	const positionIds = found.map(({ positionId }) => positionId);
	await handOverStops(context, venue, symbol, positionIds, now);
	context.log.info({ symbol, positions: positionIds }, 'stops handed over to the guard: another bot enters');
}

async function recordOutcome(
	context: WorkerContext,
	orderId: number,
	outcome: SendOutcome,
	now?: Date,
): Promise<string> {
	const base = { orderId, workerId: context.workerId, now };
	switch (outcome.kind) {
		case 'ACKNOWLEDGED':
			return await recordOrderResult(context.pool, {
				...base,
				result: 'ACKNOWLEDGED',
				exchangeOrderId: outcome.exchangeOrderId,
			});
		case 'REFUSED':
			return await recordOrderResult(context.pool, {
				...base,
				result: 'REFUSED',
				code: outcome.code,
				message: outcome.message,
			});
		case 'NOT_ACCEPTED':
			return await recordOrderResult(context.pool, {
				...base,
				result: 'NOT_ACCEPTED',
				code: outcome.code,
				message: outcome.message,
			});
		case 'NOT_SENT':
			// Committed but never sent, because its time was over: as good as a definite no.
			return await recordOrderResult(context.pool, {
				...base,
				result: 'NOT_ACCEPTED',
				code: 'NOT_SENT',
				message: outcome.reason,
			});
		case 'UNKNOWN':
			return await recordOrderResult(context.pool, {
				...base,
				result: 'UNKNOWN',
				code: outcome.code,
				message: outcome.message,
			});
	}
}

function describe(outcome: SendOutcome): Record<string, unknown> {
	if (outcome.kind === 'ACKNOWLEDGED') return { exchangeOrderId: outcome.exchangeOrderId };
	if (outcome.kind === 'NOT_SENT') return { reason: outcome.reason };
	return outcome.kind === 'UNKNOWN' ? { message: outcome.message } : { code: outcome.code, message: outcome.message };
}
