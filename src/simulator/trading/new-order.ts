/** An order as it is accepted: everything that was not asked for has its neutral value. */
import type { Category } from '../market/instruments.ts';
import type { Order } from '../state/entities.ts';
import { newOrderId, type Venue } from './venue.ts';

type Asked = Partial<Omit<Order, 'orderId' | 'createdTime' | 'updatedTime' | 'sequence'>> & {
	readonly apiKey: string;
	readonly category: Category;
	readonly symbol: string;
	readonly side: 'Buy' | 'Sell';
	readonly orderType: 'Market' | 'Limit';
	readonly qty: string;
	readonly now: number;
};

export function newOrder(venue: Venue, asked: Asked): Order {
	const { now, ...fields } = asked;
	return {
		orderLinkId: '',
		timeInForce: asked.orderType === 'Market' ? 'IOC' : 'GTC',
		price: '',
		marketUnit: '',
		worstPrice: '',
		orderStatus: 'New',
		cancelType: 'UNKNOWN',
		rejectReason: 'EC_NoError',
		cumExecQty: '0',
		cumExecValue: '0',
		cumExecFee: '0',
		feeCurrency: '',
		createType: 'CreateByUser',
		stopOrderType: '',
		triggerPrice: '',
		triggerDirection: 0,
		triggerBy: '',
		trailing: '',
		activePrice: '',
		orderFilter: 'Order',
		reduceOnly: false,
		closeOnTrigger: false,
		takeProfit: '',
		stopLoss: '',
		tpslMode: '',
		tpTriggerBy: '',
		slTriggerBy: '',
		tpLimitPrice: '',
		slLimitPrice: '',
		lastPriceOnCreated: '',
		...fields,
		orderId: newOrderId(asked.category, now),
		createdTime: now,
		updatedTime: now,
		sequence: venue.store.nextSequence(),
	};
}
