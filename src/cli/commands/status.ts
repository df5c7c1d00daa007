/** `botbox status`: what runs and what it did, for people or as JSON. */
import type { Command } from 'commander';
import { printFacts, printJson, printTable } from '../output.ts';
import { withDatabase } from '../session.ts';
import { readStatus, type Status, withoutPassword } from '../status.ts';

export function registerStatus(program: Command): void {
	program
		.command('status')
		.description('show bots, checks, signals, queue, orders, positions, profit and exchange health')
		.option('--json', 'print everything as JSON')
		.action(async (options: { json?: boolean }) => {
			await withDatabase(async (pool, config, url) => {
				const status = await readStatus(pool, config, url);
				if (options.json) printJson(status);
				else print(status);
			});
		});
}

function print(status: Status): void {
	const { overview } = status;
	const share =
		overview.acceptance_rate_day === null || overview.acceptance_rate_day === undefined
			? '-'
			: `${(Number(overview.acceptance_rate_day) * 100).toFixed(0)}%`;
	printFacts({
		page: status.page,
		database: withoutPassword(status.database),
		simulator: status.simulator,
		workers: overview.running_workers,
		active_bots: overview.active_bots,
		checks_last_hour: `${overview.checks_hour} (${overview.checks_failed_hour} failed)`,
		signals_last_day: `${overview.signals_day} (${share} accepted)`,
		trades_last_day: `${overview.trades_day} (${overview.executed_day} executed, ${overview.failed_day} failed)`,
		queue: `${overview.queue_depth} waiting, ${overview.executing} executing, ${overview.parked} parked`,
		open_positions: overview.open_positions,
		profit_live: profit(overview.net_pnl_live, overview.unrealised_pnl_live),
		profit_paper: profit(overview.net_pnl_paper, overview.unrealised_pnl_paper),
		alerts: overview.open_alerts,
	});
	section('Exchanges', status.exchanges, [
		'exchange_id',
		'breaker_state',
		'used_share',
		'granted',
		'denied',
		'data_fetched_at',
	]);
	section('Accounts', status.accounts, [
		'account_id',
		'name',
		'mode',
		'status',
		'booked_balance',
		'available',
		'open_positions',
		'net_pnl',
	]);
	section('Bots', status.bots, [
		'bot_id',
		'name',
		'status',
		'last_check_at',
		'last_outcome',
		'last_score',
		'position_direction',
		'net_pnl',
	]);
	section('Latest signals', status.signals, [
		'signal_id',
		'bot',
		'direction',
		'score',
		'status',
		'reason_code',
		'trade_status',
	]);
	section('Why signals were rejected (24 h)', status.rejections, ['reason_code', 'signals', 'reason']);
	section('Latest trades', status.queue, [
		'queued_at',
		'bot',
		'direction',
		'quantity',
		'status',
		'order_status',
		'average_price',
	]);
	section('Open positions', status.positions, [
		'position_id',
		'bot',
		'direction',
		'quantity',
		'average_entry_price',
		'last_price',
		'unrealised_pnl',
	]);
	section('Open alerts', status.alerts, ['severity', 'code', 'message']);
}

function profit(booked: unknown, open: unknown): string {
	return `${Number(booked).toFixed(2)} booked, ${Number(open).toFixed(2)} open`;
}

function section(title: string, rows: Parameters<typeof printTable>[0], columns: readonly string[]): void {
	process.stdout.write(`\n${title}\n`);
	printTable(rows, columns);
}
