/** The documented rows, once for all routes: a name in the OpenAPI document belongs to one schema. */
import { alertChannels, alertRules } from '../../database/views/alerting.ts';
import {
	botPnl,
	botStatus,
	checks,
	intervalChanges,
	rejectionReasons,
	signals,
	strategies,
	strategyPerformance,
} from '../../database/views/bots.ts';
import {
	accountEquity,
	accountMargin,
	accounts,
	approvals,
	foreignOrders,
	foreignPositions,
	orders,
	positions,
	trades,
} from '../../database/views/execution.ts';
import {
	candles,
	correlations,
	dataFreshness,
	exchangeHealth,
	instruments,
	regimes,
} from '../../database/views/market.ts';
import { alerts, apiTokens, auditLog, overview, pauses, workerStatus } from '../../database/views/operation.ts';
import { rolloutSteps, rollouts } from '../../database/views/rollouts.ts';
import { rowSchema } from '../schemas.ts';

export const rows = {
	account: rowSchema(accounts, 'Account'),
	accountEquity: rowSchema(accountEquity, 'AccountEquity'),
	accountMargin: rowSchema(accountMargin, 'AccountMargin'),
	alert: rowSchema(alerts, 'Alert'),
	alertChannel: rowSchema(alertChannels, 'AlertChannel'),
	alertRule: rowSchema(alertRules, 'AlertRule'),
	approval: rowSchema(approvals, 'Approval'),
	auditEntry: rowSchema(auditLog, 'AuditEntry'),
	bot: rowSchema(botStatus, 'Bot'),
	botPnl: rowSchema(botPnl, 'BotPnl'),
	candle: rowSchema(candles, 'Candle'),
	check: rowSchema(checks, 'Check'),
	correlation: rowSchema(correlations, 'Correlation'),
	dataFreshness: rowSchema(dataFreshness, 'DataFreshness'),
	exchange: rowSchema(exchangeHealth, 'Exchange'),
	foreignOrder: rowSchema(foreignOrders, 'ForeignOrder'),
	foreignPosition: rowSchema(foreignPositions, 'ForeignPosition'),
	instrument: rowSchema(instruments, 'Instrument'),
	intervalChange: rowSchema(intervalChanges, 'IntervalChange'),
	order: rowSchema(orders, 'Order'),
	overview: rowSchema(overview, 'Overview'),
	pause: rowSchema(pauses, 'Pause'),
	position: rowSchema(positions, 'Position'),
	regime: rowSchema(regimes, 'Regime'),
	rejectionReason: rowSchema(rejectionReasons, 'RejectionReason'),
	rollout: rowSchema(rollouts, 'Rollout'),
	rolloutStep: rowSchema(rolloutSteps, 'RolloutStep'),
	signal: rowSchema(signals, 'Signal'),
	strategyPerformance: rowSchema(strategyPerformance, 'StrategyPerformance'),
	strategyVersion: rowSchema(strategies, 'StrategyVersion'),
	token: rowSchema(apiTokens, 'Token'),
	trade: rowSchema(trades, 'Trade'),
	worker: rowSchema(workerStatus, 'Worker'),
};
