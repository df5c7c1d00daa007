/**
 * Reconciliation: the exchange's word on orders, fills, funding, positions and balances against our books, after every
 * start before anything is sent, and every minute.
 *
 * Stops that should stand at the exchange and do not are put there again, or given to the guard where it refuses them.
 *
 * Reads: the venue. Writes: through apply_fills, record_funding_payments, reconcile_account (alerts), find_protection_gaps,
 * guard_position, record_margin_ratio; at the venue: stops. Idempotency keys: fill ids, funding references. A crash at any line
 * leaves a comparison that the next minute repeats; the books are never overwritten.
 */

import {
	type FollowedAccount,
	findFollowedAccounts,
	findProtectionGaps,
	guardPosition,
	type ProtectionGap,
	reconcileAccount,
	recordFillsSynced,
	recordMarginRatio,
} from '../database/functions/guards.ts';
import { findInstruments } from '../database/functions/market.ts';
import { applyFills, recordFundingPayments } from '../database/functions/trades.ts';
import { BotboxError, errorMessage } from '../errors.ts';
import type { TradingVenue } from '../exchange/venue.ts';
import { done, type RunResult, type WorkerContext } from './context.ts';
import { crashPoint } from './crash-points.ts';
import { claimDue } from './duties.ts';
import { settleOrders, toFillInput } from './settle-orders.ts';

const reconcileEveryMs = 60_000;
const syncFillsEveryMs = 5_000;
/** Executions are asked for again this far back, since exchanges publish them with delay. */
const overlapMs = 60_000;
/** Funding is paid every few hours and booked once by its reference: a few rows more cost nothing, one that comes late costs money. */
const fundingOverlapMs = 3_600_000;
/** Exchanges answer for a week at most; older fills must have been booked by then. */
const furthestBackMs = 6 * 86_400_000;

/** Compares every account that is due; `all` takes each one now, as at a start. */
export async function reconcileAccounts(
	context: WorkerContext,
	options: { all?: boolean; now?: Date } = {},
): Promise<RunResult> {
	const { now } = options;
	const accounts = await findFollowedAccounts(context.pool, { liveAccounts: context.config.liveAccounts });
	const due = options.all
		? accounts
		: await claimDue(context, accounts, ({ accountId }) => `reconcile account ${accountId}`, reconcileEveryMs, now);
	for (const account of due) {
		try {
			await reconcileOne(context, account, now);
		} catch (error) {
			context.log.warn({ account: account.name, error: errorMessage(error) }, 'account could not be reconciled yet');
		}
	}
	return done;
}

async function reconcileOne(context: WorkerContext, account: FollowedAccount, now?: Date): Promise<void> {
	const { accountId } = account;
	const venue = await context.venues.tradingVenue(accountId);
	await settleOrders(context, { accountId, ...(now === undefined ? {} : { now }) });
	const askedAt = await databaseTime(context, now);
	crashPoint('reconcile:before-sync-fills');
	await syncFills(context, account, venue, now);
	const funding = await venue.fundingPayments(sinceOf(account.fundingSyncedTo, fundingOverlapMs, askedAt));
	await recordFundingPayments(context.pool, {
		accountId,
		payments: funding.map((payment) => ({ ...payment, paid_at: new Date(payment.paidAt).toISOString() })),
		syncedTo: askedAt,
		now,
	});
	const [positions, balances, openOrders] = [await venue.positions(), await venue.balances(), await venue.openOrders()];
	crashPoint('reconcile:before-compare');
	const differences = await reconcileAccount(context.pool, {
		accountId,
		positions: positions.map(({ symbol, quantity, entryPrice }) => ({ symbol, quantity, entry_price: entryPrice })),
		balances,
		openOrders: openOrders.map((order) => ({
			symbol: order.symbol,
			exchange_order_id: order.exchangeOrderId,
			client_order_id: order.clientOrderId,
			side: order.side,
			quantity: order.quantity,
			filled_quantity: order.filledQuantity,
			reduce_only: order.isReduceOnly ?? false,
			stop_kind: order.stopKind ?? null,
		})),
		askedAt,
		now,
	});
	crashPoint('reconcile:after-compare');
	for (const difference of differences)
		context.log.warn({ account: account.name, ...difference }, 'books and exchange differ');
	if (account.mode === 'PAPER') return;

	const gaps = await findProtectionGaps(context.pool, {
		accountId,
		positions: positions.map((position) => ({
			symbol: position.symbol,
			quantity: position.quantity,
			stop_loss_price: position.stopLossPrice ?? null,
			take_profit_price: position.takeProfitPrice ?? null,
		})),
		askedAt,
		now,
	});
	for (const gap of gaps) await mendProtection(context, venue, gap, now);
	await recordMarginRatio(context.pool, {
		accountId,
		// Without a position there is no margin to ask for.
		ratio: positions.length > 0 ? await venue.marginRatio() : null,
		now,
	});
}

/** Puts the stops where they belong; the next comparison sees whether they stand, and only then is the alert over. */
async function mendProtection(
	context: WorkerContext,
	venue: TradingVenue,
	gap: ProtectionGap,
	now?: Date,
): Promise<void> {
	const { positionId, symbol, stopLossPrice, takeProfitPrice } = gap;
	const log = context.log.child({ position: positionId, symbol });
	try {
		if (gap.mustHandOver) await handOverStops(context, venue, symbol, [positionId], now);
		else await venue.setStops(symbol, { stopLossPrice, takeProfitPrice });
		log.warn({ stopLossPrice, takeProfitPrice, handedOver: gap.mustHandOver }, 'stops mended');
	} catch (error) {
		log.warn({ error: errorMessage(error) }, 'stops could not be put at the exchange');
		// Most often the price is beyond the stop by now: the guard closes the position with the next price.
		if (error instanceof BotboxError && error.code === 'EXCHANGE_REFUSED')
			await guardPosition(context.pool, { positionId, reason: errorMessage(error), now });
	}
}

/**
 * Takes the stops of positions from the exchange, where they would close the whole net, to the guard. The books follow the
 * exchange: a stop that triggers meanwhile is still known for ours.
 */
export async function handOverStops(
	context: WorkerContext,
	venue: TradingVenue,
	symbol: string,
	positionIds: readonly number[],
	now?: Date,
): Promise<void> {
	await venue.setStops(symbol, { stopLossPrice: null, takeProfitPrice: null });
	for (const positionId of positionIds)
		await guardPosition(context.pool, { positionId, reason: 'another bot enters the instrument', now });
}

/** Books what the exchange executed by itself from our stops, every few seconds while it guards positions. */
export async function syncStops(context: WorkerContext, now?: Date): Promise<RunResult> {
	const accounts = await findFollowedAccounts(context.pool, { liveAccounts: context.config.liveAccounts });
	const guarded = accounts.filter(({ mode, hasStopsAtExchange }) => mode === 'LIVE' && hasStopsAtExchange);
	for (const account of await claimDue(
		context,
		guarded,
		({ accountId }) => `fills account ${accountId}`,
		syncFillsEveryMs,
		now,
	)) {
		try {
			await syncFills(context, account, await context.venues.tradingVenue(account.accountId), now);
		} catch (error) {
			context.log.warn({ account: account.name, error: errorMessage(error) }, 'fills could not be fetched');
		}
	}
	return done;
}

/** Books what an account's exchange has executed, at once: after a refused close, which its own stop may have come before. */
export async function syncAccount(context: WorkerContext, accountId: number, now?: Date): Promise<void> {
	const accounts = await findFollowedAccounts(context.pool, { liveAccounts: context.config.liveAccounts });
	const account = accounts.find((followed) => followed.accountId === accountId);
	if (account === undefined) return;
	await syncFills(context, account, await context.venues.tradingVenue(accountId), now);
}

async function syncFills(
	context: WorkerContext,
	account: FollowedAccount,
	venue: TradingVenue,
	now?: Date,
): Promise<void> {
	const upTo = await databaseTime(context, now);
	const fills = await venue.fillsSince(sinceOf(account.fillsSyncedTo, overlapMs, upTo));
	if (fills.length > 0) {
		const instruments = await findInstruments(context.pool, {
			exchangeId: account.exchangeId,
			symbols: [...new Set(fills.map(({ symbol }) => symbol))],
		});
		const ids = new Map(instruments.map(({ id, symbol }) => [symbol, id]));
		const known = fills.flatMap((fill) => {
			const id = ids.get(fill.symbol);
			return id === undefined ? [] : [toFillInput(id, fill)];
		});
		crashPoint('reconcile:before-apply-fills');
		const [booked] = await applyFills(context.pool, { accountId: account.accountId, fills: known, now });
		crashPoint('reconcile:after-apply-fills');
		if (booked !== undefined && booked.applied > 0)
			context.log.info({ account: account.name, ...booked }, 'fills booked');
	}
	await recordFillsSynced(context.pool, { accountId: account.accountId, syncedTo: upTo });
	crashPoint('reconcile:after-sync-fills');
}

function sinceOf(syncedTo: Date | null, overlap: number, upTo: Date): number {
	const from = (syncedTo?.getTime() ?? 0) - overlap;
	return Math.max(from, upTo.getTime() - furthestBackMs);
}

async function databaseTime(context: WorkerContext, now?: Date): Promise<Date> {
	return now ?? (await context.databaseTime());
}
