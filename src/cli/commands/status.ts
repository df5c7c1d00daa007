/** `botbox status`: what runs and what it did, for people or as JSON. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Config } from '../../config.ts';
import type { ViewRow } from '../../database/listing.ts';
import { positiveInteger } from '../arguments.ts';
import { withCatalogue } from '../catalogue.ts';
import { stopOnInterrupt } from '../lifetime.ts';
import { printFacts, printJson, printTable } from '../output.ts';
import { withDatabase } from '../session.ts';
import { readStatus, type Status, withoutPassword } from '../status.ts';

export function registerStatus(program: Command): void {
	program
		.command('status')
		.description('show bots, checks, signals, queue, orders, positions, profit and exchange health')
		.option('--watch [seconds]', 'show it again every so many seconds, 2 by default, until Ctrl-C', positiveInteger)
		.option('--json', 'print everything as JSON')
		.action(async (options: { watch?: number | true; json?: boolean }) => {
			await withDatabase(async (pool, config, url) => {
				const own = await ownStrategies(config);
				const show = async (): Promise<void> => {
					const status = await readStatus(pool, config, url);
					// One value a line where there will be many of them.
					if (options.json && options.watch !== undefined)
						process.stdout.write(`${JSON.stringify({ ...status, own_strategies: own })}\n`);
					else if (options.json) printJson({ ...status, own_strategies: own });
					else print(status, own, options.watch !== undefined);
				};
				if (options.watch === undefined) return await show();
				await repeat(show, options.watch === true ? 2 : options.watch);
			});
		});
}

/** Until Ctrl-C; what fails ends it, as it ends a single look. */
async function repeat(show: () => Promise<void>, everySeconds: number): Promise<void> {
	const stopping = stopOnInterrupt();
	try {
		while (!stopping.signal.aborted) {
			await show();
			await sleep(everySeconds * 1_000, undefined, { signal: stopping.signal }).catch((error: unknown) => {
				if (!stopping.signal.aborted) throw error;
			});
		}
	} finally {
		stopping.end();
	}
}

/** What of BOTBOX_STRATEGIES could be loaded, as this command's environment has it; null without one. */
async function ownStrategies(config: Config) {
	if (config.strategiesDir === null) return null;
	return await withCatalogue(config, async (catalogue) => {
		const loaded = (await catalogue.list()).flatMap(({ name, file }) => {
			return file === null ? [] : [{ file, strategy: name, error: null }];
		});
		const failed = (await catalogue.faults()).map(({ file, message }) => ({ file, strategy: null, error: message }));
		return [...loaded, ...failed];
	});
}

function print(status: Status, own: Awaited<ReturnType<typeof ownStrategies>>, isWatching: boolean): void {
	const { overview } = status;
	// Only a terminal can begin anew at its top; elsewhere one follows the other.
	if (isWatching && process.stdout.isTTY) process.stdout.write('\x1b[H\x1b[2J');
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
	section('Bots', status.bots.map(shortBot), [
		'id',
		'name',
		'status',
		'checked',
		'outcome',
		'score',
		'position',
		'net_pnl',
	]);
	section(
		'Latest checks',
		status.checks.map((check) => ({ ...check, recorded: timeOfDay(check.recorded_at) })),
		['recorded', 'bot', 'kind', 'score', 'decision', 'outcome', 'reason_code'],
	);
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
	section(
		'Latest trades',
		status.queue.map((trade) => ({ ...trade, queued: timeOfDay(trade.queued_at), order: trade.order_status })),
		['queued', 'bot', 'direction', 'quantity', 'status', 'order', 'average_price'],
	);
	section(
		'Latest orders',
		status.orders.map((order) => ({ ...order, sent: timeOfDay(order.sent_at), filled: order.filled_quantity })),
		['sent', 'bot', 'purpose', 'side', 'quantity', 'filled', 'status', 'client_order_id'],
	);
	section('Open positions', status.positions, [
		'position_id',
		'bot',
		'direction',
		'quantity',
		'average_entry_price',
		'last_price',
		'unrealised_pnl',
	]);
	section('Open alerts', status.alerts, ['alert_id', 'severity', 'code', 'acknowledged_by', 'message']);
	if (status.alert_channels.length > 0)
		section('Alert channels', status.alert_channels, ['name', 'kind', 'state', 'waiting', 'last_error']);
	if (own !== null) section('Own strategies', own, ['file', 'strategy', 'error']);
	if (isWatching) process.stdout.write('\n');
}

function profit(booked: unknown, open: unknown): string {
	return `${Number(booked).toFixed(2)} booked, ${Number(open).toFixed(2)} open`;
}

function section(title: string, rows: Parameters<typeof printTable>[0], columns: readonly string[]): void {
	process.stdout.write(`\n${title}\n`);
	printTable(rows, columns);
}

function shortBot(bot: ViewRow) {
	return {
		id: bot.bot_id,
		name: bot.name,
		status: bot.status,
		checked: timeOfDay(bot.last_check_at),
		outcome: bot.last_outcome,
		score: bot.last_score,
		position: bot.position_direction,
		net_pnl: bot.net_pnl,
	};
}

/** Tables of the last minutes and hours need no date. */
function timeOfDay(value: ViewRow[string] | undefined): string | null {
	return value instanceof Date ? value.toISOString().slice(11, 19) : null;
}
