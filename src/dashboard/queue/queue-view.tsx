/** The trade queue and the orders that came of it. */
import { useLongList, useOverview } from '../api/queries.ts';
import type { Order, Trade } from '../api/rows.ts';
import { ApprovalsPanel } from '../approvals/approvals-panel.tsx';
import * as numbers from '../format/numbers.ts';
import { words } from '../format/words.ts';
import {
	orderColumns,
	orderReasonColumn,
	symbolColumn,
	tradeColumns,
	tradeOutcomeColumns,
} from '../overview/columns.tsx';
import { Select } from '../parts/choice.tsx';
import { LongListPanel } from '../parts/long-list.tsx';
import { ViewHead } from '../parts/panel.tsx';
import { useFilter } from '../route.ts';
import { ParkedPanel } from './parked-panel.tsx';

const optionsOf = (codes: readonly string[]) =>
	[['', 'Any status'], ...codes.map((code) => [code, words(code)] as const)] as const;
const tradeStatuses = optionsOf(['PENDING', 'EXECUTING', 'PARKED', 'EXECUTED', 'CANCELLED', 'EXPIRED', 'FAILED']);
const orderStatuses = optionsOf([
	'SUBMITTING',
	'OPEN',
	'PARTIALLY_FILLED',
	'FILLED',
	'CANCELLED',
	'REJECTED',
	'UNKNOWN',
]);

const wideTrades = [
	...tradeColumns.flatMap((column) => (column.key === 'direction' ? [column, symbolColumn] : [column])),
	...tradeOutcomeColumns,
];
const wideOrders = [
	...orderColumns.flatMap((column) => (column.key === 'purpose' ? [symbolColumn, column] : [column])),
	orderReasonColumn,
];

const tradeKey = (row: Trade): string => row.trade_id;
const orderKey = (row: Order): number => row.order_id;

export function QueueView() {
	const [tradeStatus, setTradeStatus] = useFilter('trade');
	const [orderStatus, setOrderStatus] = useFilter('order');
	const trades = useLongList<Trade>('trades', { status: tradeStatus });
	const orders = useLongList<Order>('orders', { status: orderStatus });
	return (
		<>
			<ViewHead title="Queue and orders" note={<QueueNote />} />
			<ApprovalsPanel />
			<ParkedPanel />
			<LongListPanel
				title="Trade queue"
				name="queue"
				list={trades}
				columns={wideTrades}
				rowKey={tradeKey}
				empty={tradeStatus === '' ? 'Nothing was queued yet.' : 'No trade has this status.'}
				filters={
					<Select legend="Status of trades" options={tradeStatuses} value={tradeStatus} onChange={setTradeStatus} />
				}
				className="half"
			/>
			<LongListPanel
				title="Orders"
				name="orders"
				list={orders}
				columns={wideOrders}
				rowKey={orderKey}
				empty={orderStatus === '' ? 'No order was sent yet.' : 'No order has this status.'}
				filters={
					<Select legend="Status of orders" options={orderStatuses} value={orderStatus} onChange={setOrderStatus} />
				}
				className="half"
			/>
		</>
	);
}

function QueueNote() {
	const { data } = useOverview();
	if (data === undefined) return null;
	const parked = data.parked > 0 ? `, ${numbers.count(data.parked)} wait for a person` : '';
	return (
		<>
			{numbers.count(data.queue_depth)} waiting, {numbers.count(data.executing)} executing{parked}
		</>
	);
}
