/** Holds the page's row types to the described views: what does not fit does not compile. */
import type {
	Account,
	AccountEquity,
	Alert,
	AlertChannel,
	Approval,
	Bot,
	Candle,
	Check,
	DataFreshness,
	Exchange,
	Instrument,
	Order,
	Overview,
	Pause,
	Position,
	RejectionReason,
	Rollout,
	RolloutStep,
	Signal,
	StrategyPerformance,
	StrategyVersion,
	Trade,
	Worker,
} from '../../src/dashboard/api/rows.ts';
import type { alertChannels } from '../../src/database/views/alerting.ts';
import type {
	BotStatusRow,
	CheckRow,
	rejectionReasons,
	SignalRow,
	strategies,
	strategyPerformance,
} from '../../src/database/views/bots.ts';
import type { RowOf } from '../../src/database/views/columns.ts';
import type {
	ApprovalRow,
	accountEquity,
	accounts,
	OrderRow,
	PositionRow,
	TradeRow,
} from '../../src/database/views/execution.ts';
import type { candles, dataFreshness, exchangeHealth, instruments } from '../../src/database/views/market.ts';
import type { alerts, OverviewRow, pauses, workerStatus } from '../../src/database/views/operation.ts';
import type { rolloutSteps, rollouts } from '../../src/database/views/rollouts.ts';

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
	accountEquity: Fits<RowOf<typeof accountEquity.columns>, AccountEquity>;
	alert: Fits<RowOf<typeof alerts.columns>, Alert>;
	alertChannel: Fits<RowOf<typeof alertChannels.columns>, AlertChannel>;
	approval: Fits<ApprovalRow, Approval>;
	bot: Fits<BotStatusRow, Bot>;
	candle: Fits<RowOf<typeof candles.columns>, Candle>;
	check: Fits<CheckRow, Check>;
	dataFreshness: Fits<RowOf<typeof dataFreshness.columns>, DataFreshness>;
	exchange: Fits<RowOf<typeof exchangeHealth.columns>, Exchange>;
	instrument: Fits<RowOf<typeof instruments.columns>, Instrument>;
	order: Fits<OrderRow, Order>;
	overview: Fits<OverviewRow, Overview>;
	pause: Fits<RowOf<typeof pauses.columns>, Pause>;
	position: Fits<PositionRow, Position>;
	rejectionReason: Fits<RowOf<typeof rejectionReasons.columns>, RejectionReason>;
	rollout: Fits<RowOf<typeof rollouts.columns>, Rollout>;
	rolloutStep: Fits<RowOf<typeof rolloutSteps.columns>, RolloutStep>;
	signal: Fits<SignalRow, Signal>;
	strategyPerformance: Fits<RowOf<typeof strategyPerformance.columns>, StrategyPerformance>;
	strategyVersion: Fits<RowOf<typeof strategies.columns>, StrategyVersion>;
	trade: Fits<TradeRow, Trade>;
	worker: Fits<RowOf<typeof workerStatus.columns>, Worker>;
} = {
	account: true,
	accountEquity: true,
	alert: true,
	alertChannel: true,
	approval: true,
	bot: true,
	candle: true,
	check: true,
	dataFreshness: true,
	exchange: true,
	instrument: true,
	order: true,
	overview: true,
	pause: true,
	position: true,
	rejectionReason: true,
	rollout: true,
	rolloutStep: true,
	signal: true,
	strategyPerformance: true,
	strategyVersion: true,
	trade: true,
	worker: true,
};
