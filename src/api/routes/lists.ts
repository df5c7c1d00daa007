/** Every list under /api/v1 that is read from one view as it is. */
import { botStatus, rejectionReasons, signals, strategies, strategyPerformance } from '../../database/views/bots.ts';
import {
	accountMargin,
	accounts,
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
import { alerts, apiTokens, auditLog, pauses, workerStatus } from '../../database/views/operation.ts';
import { rolloutSteps, rollouts } from '../../database/views/rollouts.ts';
import type { ApiContext, ApiServer } from '../context.ts';
import { addList } from './list-route.ts';
import { rows } from './rows.ts';

const ofBots = { bot_id: 'bot_id', account: 'account', exchange: 'exchange_id' } as const;

export function addLists(app: ApiServer, context: ApiContext): void {
	addList(app, context, {
		url: '/bots',
		tag: 'bots',
		summary: 'Bots with their schedule, last check, position and profit',
		view: botStatus,
		row: rows.bot,
		filters: { status: 'status', account: 'account', exchange: 'exchange_id', strategy: 'strategy' },
	});
	addDecisions(app, context);
	addExecution(app, context);
	addMarkets(app, context);
	addOperation(app, context);
}

function addDecisions(app: ApiServer, context: ApiContext): void {
	addList(app, context, {
		url: '/signals',
		tag: 'signals',
		summary: 'Signals, newest first, with the reason they were accepted or rejected',
		view: signals,
		row: rows.signal,
		filters: { ...ofBots, status: 'status', direction: 'direction', reason: 'reason_code' },
	});
	addList(app, context, {
		url: '/rejection-reasons',
		tag: 'signals',
		summary: 'Why signals of the last 24 hours were rejected, commonest first',
		view: rejectionReasons,
		row: rows.rejectionReason,
	});
	addList(app, context, {
		url: '/strategies',
		tag: 'strategies',
		summary: 'Versions of strategies with their parameters, newest first',
		view: strategies,
		row: rows.strategyVersion,
		filters: { name: 'name' },
	});
	addList(app, context, {
		url: '/strategy-performance',
		tag: 'strategies',
		summary: 'What each version of a strategy did, for comparing versions, newest first',
		view: strategyPerformance,
		row: rows.strategyPerformance,
		filters: { strategy: 'strategy' },
	});
}

function addExecution(app: ApiServer, context: ApiContext): void {
	addList(app, context, {
		url: '/trades',
		tag: 'execution',
		summary: 'The trade queue with the order of each trade, newest first',
		view: trades,
		row: rows.trade,
		filters: { ...ofBots, status: 'status' },
	});
	addList(app, context, {
		url: '/orders',
		tag: 'execution',
		summary: 'Orders as the exchange knows them, newest first',
		view: orders,
		row: rows.order,
		filters: { ...ofBots, status: 'status', trade_id: 'trade_id' },
	});
	addList(app, context, {
		url: '/positions',
		tag: 'execution',
		summary: 'Positions, open and closed, newest first',
		view: positions,
		row: rows.position,
		filters: { ...ofBots, status: 'status' },
	});
	addList(app, context, {
		url: '/accounts',
		tag: 'execution',
		summary: 'Accounts with capital, limits and their use',
		view: accounts,
		row: rows.account,
		filters: { exchange: 'exchange_id', mode: 'mode' },
	});
	addList(app, context, {
		url: '/account-margin',
		tag: 'execution',
		summary: 'How near each account is to liquidation, and how near it may come',
		view: accountMargin,
		row: rows.accountMargin,
		filters: { account: 'account' },
	});
	addList(app, context, {
		url: '/foreign-positions',
		tag: 'execution',
		summary: 'What exchanges hold on our accounts beyond what our bots hold: shown, counted for risk, never touched',
		view: foreignPositions,
		row: rows.foreignPosition,
		filters: { account: 'account', exchange: 'exchange_id' },
	});
	addList(app, context, {
		url: '/foreign-orders',
		tag: 'execution',
		summary: 'Orders open at exchanges that botbox did not send: shown, counted for risk, never touched',
		view: foreignOrders,
		row: rows.foreignOrder,
		filters: { account: 'account', exchange: 'exchange_id' },
	});
}

function addMarkets(app: ApiServer, context: ApiContext): void {
	addList(app, context, {
		url: '/instruments',
		tag: 'market',
		summary: 'Tradable markets with their precisions and newest prices',
		view: instruments,
		row: rows.instrument,
		filters: { exchange: 'exchange_id', market_type: 'market_type', is_trading: 'is_trading' },
	});
	addList(app, context, {
		url: '/candles',
		tag: 'market',
		summary: 'Closed candles of one instrument and timeframe, newest first',
		view: candles,
		row: rows.candle,
		filters: { instrument_id: 'instrument_id', timeframe: 'timeframe' },
		required: ['instrument_id', 'timeframe'],
	});
	addList(app, context, {
		url: '/regimes',
		tag: 'market',
		summary: 'Regimes of one instrument and timeframe with the figures behind them, newest first',
		view: regimes,
		row: rows.regime,
		filters: { instrument_id: 'instrument_id', timeframe: 'timeframe' },
		required: ['instrument_id', 'timeframe'],
	});
	addList(app, context, {
		url: '/correlations',
		tag: 'market',
		summary: 'Correlations of hourly returns over 30 days, by pair of instruments',
		view: correlations,
		row: rows.correlation,
	});
	addList(app, context, {
		url: '/exchanges',
		tag: 'market',
		summary: 'Breaker, limiter use and data freshness of the exchanges in use',
		view: exchangeHealth,
		row: rows.exchange,
	});
	addList(app, context, {
		url: '/data-freshness',
		tag: 'market',
		summary: 'How fresh the candles of each followed instrument are',
		view: dataFreshness,
		row: rows.dataFreshness,
		filters: { exchange: 'exchange_id', is_followed: 'is_followed' },
	});
}

function addOperation(app: ApiServer, context: ApiContext): void {
	addList(app, context, {
		url: '/pauses',
		tag: 'operation',
		summary: 'Pauses of entries, newest first',
		view: pauses,
		row: rows.pause,
		filters: { is_in_force: 'is_in_force', scope: 'scope' },
	});
	addList(app, context, {
		url: '/alerts',
		tag: 'operation',
		summary: 'Alerts, newest first',
		view: alerts,
		row: rows.alert,
		filters: { is_open: 'is_open', severity: 'severity' },
	});
	addList(app, context, {
		url: '/workers',
		tag: 'operation',
		summary: 'Worker processes, last heard first',
		view: workerStatus,
		row: rows.worker,
		filters: { status: 'status' },
	});
	addList(app, context, {
		url: '/rollouts',
		tag: 'operation',
		summary: 'Accounts whose bots start step by step: places, who waits, and the next step',
		view: rollouts,
		row: rows.rollout,
		filters: { account: 'account' },
	});
	addList(app, context, {
		url: '/rollout-steps',
		tag: 'operation',
		summary: 'Steps of rollouts, planned, held, taken and given up',
		view: rolloutSteps,
		row: rows.rolloutStep,
		filters: { account: 'account', status: 'status' },
	});
	addList(app, context, {
		url: '/tokens',
		tag: 'operation',
		summary: 'API tokens, never the tokens themselves',
		view: apiTokens,
		row: rows.token,
		access: 'admin',
	});
	addList(app, context, {
		url: '/audit-log',
		tag: 'operation',
		summary: 'Who changed what, newest first',
		view: auditLog,
		row: rows.auditEntry,
		filters: { actor: 'actor', action: 'action', subject: 'subject' },
		access: 'admin',
	});
}
