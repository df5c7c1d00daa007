/** Holds the page's row types to the described views: what does not fit does not compile. */
import type {
	Account,
	Alert,
	Bot,
	Candle,
	Check,
	Exchange,
	Order,
	Overview,
	Pause,
	Position,
	RejectionReason,
	Signal,
	Trade,
	Worker,
} from '../../src/dashboard/api/rows.ts';
import type { BotStatusRow, CheckRow, rejectionReasons, SignalRow } from '../../src/database/views/bots.ts';
import type { RowOf } from '../../src/database/views/columns.ts';
import type { accounts, OrderRow, PositionRow, TradeRow } from '../../src/database/views/execution.ts';
import type { candles, exchangeHealth } from '../../src/database/views/market.ts';
import type { alerts, OverviewRow, pauses, workerStatus } from '../../src/database/views/operation.ts';

/** As JSON carries it. */
type Sent<T> = T extends Date ? string : T;
type Answer<Row> = { readonly [Column in keyof Row]: Sent<Row[Column]> };
/** `true` where each answer can be read as what the page takes it for; else the columns that cannot. */
type Fits<Row, Shown> =
	Answer<Row> extends Shown
		? true
		: { [C in keyof Shown]: C extends keyof Row ? (Sent<Row[C]> extends Shown[C] ? never : C) : C }[keyof Shown];

export const fits: {
	account: Fits<RowOf<typeof accounts.columns>, Account>;
	alert: Fits<RowOf<typeof alerts.columns>, Alert>;
	bot: Fits<BotStatusRow, Bot>;
	candle: Fits<RowOf<typeof candles.columns>, Candle>;
	check: Fits<CheckRow, Check>;
	exchange: Fits<RowOf<typeof exchangeHealth.columns>, Exchange>;
	order: Fits<OrderRow, Order>;
	overview: Fits<OverviewRow, Overview>;
	pause: Fits<RowOf<typeof pauses.columns>, Pause>;
	position: Fits<PositionRow, Position>;
	rejectionReason: Fits<RowOf<typeof rejectionReasons.columns>, RejectionReason>;
	signal: Fits<SignalRow, Signal>;
	trade: Fits<TradeRow, Trade>;
	worker: Fits<RowOf<typeof workerStatus.columns>, Worker>;
} = {
	account: true,
	alert: true,
	bot: true,
	candle: true,
	check: true,
	exchange: true,
	order: true,
	overview: true,
	pause: true,
	position: true,
	rejectionReason: true,
	signal: true,
	trade: true,
	worker: true,
};
