/** How an order ends without being filled. */
import { isZero } from '../decimals.ts';
import type { Order } from '../state/entities.ts';
import type { Venue } from './venue.ts';

/** Cancels what is left of an order; an untriggered one is deactivated. */
export function cancelOrder(
	venue: Venue,
	order: Order,
	cancelType: string,
	now: number,
	rejectReason = 'EC_NoError',
): void {
	order.orderStatus = endStatus(order);
	order.cancelType = cancelType;
	order.rejectReason = rejectReason;
	order.updatedTime = now;
	venue.store.putOrder(order);
}

/** Only spot knows PartiallyFilledCanceled: https://bybit-exchange.github.io/docs/v5/enum#orderstatus */
function endStatus(order: Order): Order['orderStatus'] {
	if (order.orderStatus === 'Untriggered') return 'Deactivated';
	return order.category === 'spot' && !isZero(order.cumExecQty) ? 'PartiallyFilledCanceled' : 'Cancelled';
}
