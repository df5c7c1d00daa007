/** Columns of signals, trades, orders and positions, as the overview and the bot's own view show them. */
import type { Order, Position, Signal, Trade } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';
import { words } from '../format/words.ts';
import type { Column } from '../parts/data-table.tsx';
import { Ago, Market, Mode, Pnl, Score, Side, Status } from '../parts/figures.tsx';
import { botHref } from '../route.ts';

interface OfBot {
	readonly bot_id: number;
	readonly bot: string;
	readonly account_mode: 'PAPER' | 'LIVE';
}

/** The bot's name and mode: what a list within the bot's own view leaves out. */
export function botColumn<Row extends OfBot>(): Column<Row> {
	return {
		key: 'bot',
		title: 'Bot',
		atLeast: 100,
		hint: (row) => row.bot,
		sort: (row) => row.bot,
		cell: (row) => (
			<>
				<Mode mode={row.account_mode} /> <a href={botHref(row.bot_id)}>{row.bot}</a>
			</>
		),
	};
}

export const symbolColumn: Column<{ readonly symbol: string }> = {
	key: 'symbol',
	title: 'Symbol',
	width: 108,
	isWide: true,
	sort: (row) => row.symbol,
	cell: (row) => <Market symbol={row.symbol} />,
};

/** Of a list within the bot's own view: its name stands above it, and its market too, unless it has two of them. */
export const withoutBot = <Row,>(
	columns: readonly Column<Row>[],
	secondSymbol: string | null,
): readonly Column<Row>[] =>
	columns.filter(({ key }) => key !== 'bot' && (key !== symbolColumn.key || secondSymbol !== null));

export const signalColumns: readonly Column<Signal>[] = [
	{
		key: 'at',
		title: 'Time',
		width: 100,
		phoneWidth: 96,
		cell: (row) => <Ago at={row.created_at} />,
		sort: (row) => row.created_at,
	},
	botColumn(),
	{
		key: 'direction',
		title: 'Direction',
		width: 84,
		phoneWidth: 70,
		sort: (row) => row.direction,
		cell: (row) => <Side direction={row.direction} />,
	},
	symbolColumn,
	{
		key: 'score',
		title: 'Score',
		width: 110,
		isNumber: true,
		isWide: true,
		sort: (row) => row.score,
		cell: (row) => <Score value={row.score} />,
	},
	{ key: 'price', title: 'Price', width: 100, isNumber: true, isWide: true, cell: (row) => numbers.price(row.price) },
	{
		key: 'notional',
		title: 'Notional',
		width: 88,
		isNumber: true,
		isWide: true,
		cell: (row) => numbers.money(row.notional),
	},
	{
		key: 'status',
		title: 'Decision',
		width: 90,
		phoneWidth: 84,
		sort: (row) => row.status,
		cell: (row) => <Status status={row.status} />,
	},
	{
		key: 'reason',
		title: 'Reason',
		atLeast: 180,
		phoneWidth: 220,
		sort: (row) => row.reason_code,
		hint: (row) => signalReason(row),
		cell: (row) => signalReason(row),
	},
	{
		key: 'trade',
		title: 'Trade',
		width: 104,
		isWide: true,
		sort: (row) => row.trade_status,
		cell: (row) => <Status status={row.trade_status} />,
	},
];

/** Why it was refused, or, where accepted, why it arose. */
function signalReason(signal: Signal): string {
	const repeated = signal.repeat_count > 0 ? ` (${numbers.count(signal.repeat_count + 1)} times)` : '';
	return signal.status === 'REJECTED' ? `${signal.reason}${repeated}` : words(signal.trigger_reason);
}

export const tradeColumns: readonly Column<Trade>[] = [
	{
		key: 'at',
		title: 'Queued',
		width: 100,
		phoneWidth: 96,
		sort: (row) => row.queued_at,
		cell: (row) => <Ago at={row.queued_at} />,
	},
	botColumn(),
	{
		key: 'direction',
		title: 'Direction',
		width: 84,
		phoneWidth: 70,
		sort: (row) => row.direction,
		cell: (row) => <Side direction={row.direction} />,
	},
	{
		key: 'quantity',
		title: 'Quantity',
		width: 82,
		isNumber: true,
		isWide: true,
		cell: (row) => numbers.quantity(row.quantity),
	},
	{
		key: 'status',
		title: 'Status',
		width: 92,
		sort: (row) => row.status,
		cell: (row) => <Status status={row.status} title={row.error ?? row.reason} />,
	},
	{
		key: 'acknowledged',
		title: 'Acknowledged',
		width: 116,
		isNumber: true,
		isWide: true,
		sort: (row) => row.acknowledged_after_ms,
		cell: (row) => numbers.milliseconds(row.acknowledged_after_ms),
	},
];

/** What a wider list has room for: the price that was got, and what went wrong. */
export const tradeOutcomeColumns: readonly Column<Trade>[] = [
	{
		key: 'price',
		title: 'Filled at',
		width: 110,
		isNumber: true,
		isWide: true,
		cell: (row) => numbers.price(row.average_price),
	},
	{
		key: 'why',
		title: 'Reason',
		atLeast: 170,
		isWide: true,
		hint: (row) => row.error ?? row.reason ?? words(row.trigger_reason),
		cell: (row) => row.error ?? row.reason ?? words(row.trigger_reason),
	},
];

export const orderColumns: readonly Column<Order>[] = [
	{
		key: 'at',
		title: 'Created',
		width: 100,
		phoneWidth: 96,
		sort: (row) => row.created_at,
		cell: (row) => <Ago at={row.created_at} />,
	},
	{
		...botColumn<Order>(),
		hint: (row) => `${row.bot}, order ${row.client_order_id ?? row.exchange_order_id ?? row.order_id}`,
	},
	{
		key: 'purpose',
		title: 'Purpose',
		width: 86,
		isWide: true,
		sort: (row) => row.purpose,
		cell: (row) => words(row.purpose),
	},
	{ key: 'side', title: 'Side', width: 66, sort: (row) => row.side, cell: (row) => <Side direction={row.side} /> },
	{
		key: 'filled',
		title: 'Filled',
		width: 82,
		isNumber: true,
		isWide: true,
		hint: (row) => `${numbers.quantity(row.filled_quantity)} of ${numbers.quantity(row.quantity)}`,
		cell: (row) => numbers.quantity(row.filled_quantity),
	},
	{
		key: 'price',
		title: 'Price',
		width: 90,
		isNumber: true,
		isWide: true,
		cell: (row) => numbers.price(row.average_price),
	},
	{
		key: 'status',
		title: 'Status',
		width: 116,
		phoneWidth: 92,
		sort: (row) => row.status,
		cell: (row) => <Status status={row.status} title={row.reject_message} />,
	},
];

/** What went wrong, where a list has room for it. */
export const orderReasonColumn: Column<Order> = {
	key: 'why',
	title: 'Exchange says',
	atLeast: 150,
	isWide: true,
	hint: (row) => row.reject_message ?? row.exchange_order_id,
	cell: (row) =>
		row.reject_message ?? (row.exchange_order_id === null ? numbers.none : <code>{row.exchange_order_id}</code>),
};

export const positionColumns: readonly Column<Position>[] = [
	botColumn(),
	{
		key: 'direction',
		title: 'Direction',
		width: 74,
		sort: (row) => row.direction,
		cell: (row) => <Side direction={row.direction} />,
	},
	symbolColumn,
	{
		key: 'quantity',
		title: 'Quantity',
		width: 80,
		isNumber: true,
		isWide: true,
		cell: (row) => numbers.quantity(row.quantity),
	},
	{
		key: 'notional',
		title: 'Notional',
		width: 80,
		isNumber: true,
		isWide: true,
		sort: (row) => Number(row.entry_notional),
		cell: (row) => numbers.money(row.entry_notional),
	},
	{
		key: 'entry',
		title: 'Entry',
		width: 86,
		isNumber: true,
		isWide: true,
		cell: (row) => numbers.price(row.average_entry_price),
	},
	{ key: 'last', title: 'Last', width: 86, isNumber: true, isWide: true, cell: (row) => numbers.price(row.last_price) },
	{
		key: 'stop',
		title: 'Stop',
		width: 86,
		isNumber: true,
		isWide: true,
		cell: (row) => numbers.price(row.stop_loss_price),
	},
	{
		key: 'target',
		title: 'Target',
		width: 86,
		isNumber: true,
		isWide: true,
		cell: (row) => numbers.price(row.take_profit_price),
	},
	{
		key: 'protection',
		title: 'Stop held by',
		width: 86,
		isWide: true,
		sort: (row) => row.protection,
		cell: (row) => (row.protection === 'NONE' ? <span className="warn">Nobody</span> : words(row.protection)),
	},
	{
		key: 'opened',
		title: 'Opened',
		width: 92,
		isWide: true,
		sort: (row) => row.opened_at,
		cell: (row) => <Ago at={row.opened_at} />,
	},
	{
		key: 'booked',
		title: 'Booked',
		width: 76,
		isNumber: true,
		isWide: true,
		sort: (row) => Number(row.net_pnl),
		cell: (row) => <Pnl value={row.net_pnl} unit={row.settle_asset} />,
	},
	{
		key: 'open',
		title: 'Open P&L',
		width: 86,
		isNumber: true,
		sort: (row) => (row.unrealised_pnl === null ? null : Number(row.unrealised_pnl)),
		cell: (row) => <Pnl value={row.unrealised_pnl} unit={row.settle_asset} />,
	},
];
