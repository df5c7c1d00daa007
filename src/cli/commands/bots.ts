/** `botbox bots …`: list, show, create, pause, resume, delete, check. */
import type { Command } from 'commander';
import type { Config } from '../../config.ts';
import { changeBot, createBot, setBotLimit, setBotStatus } from '../../database/functions/administration.ts';
import type { Queryable } from '../../database/functions/define.ts';
import { findInstruments } from '../../database/functions/market.ts';
import { createJobs } from '../../database/jobs.ts';
import { listView, type ViewRow } from '../../database/listing.ts';
import type { Pool } from '../../database/pool.ts';
import { inTransaction } from '../../database/transaction.ts';
import { type BotStatus, botStatuses, type IntervalMinutes, type MarketType } from '../../domain.ts';
import { BotboxError, UsageError } from '../../errors.ts';
import { mergeParameters } from '../../market/parameters.ts';
import { describeVersion, publishStrategies, recordVersion } from '../../market/strategy-versions.ts';
import { idOrName, intervalMinutes, jsonObject, newName, oneOf, positiveDecimal } from '../arguments.ts';
import { existingStrategy, withCatalogue } from '../catalogue.ts';
import { awaitManualCheck, printCheck } from '../manual-check.ts';
import { ensureMarkets } from '../market-access.ts';
import { printFacts, printJson, printTable } from '../output.ts';
import { describeRegime, findRegime } from '../regimes.ts';
import { actor, withDatabase } from '../session.ts';

/** Deleted bots are no longer listed. */
const listedStatuses = botStatuses.filter((status) => status !== 'DELETED');

export function registerBots(program: Command): void {
	const bots = program.command('bots').description('list, create and steer bots');

	bots
		.command('list')
		.description('list bots')
		.option('--status <status>', 'only with this status', oneOf(...listedStatuses))
		.option('--json', 'print as JSON')
		.action(async (options: { status?: BotStatus; json?: boolean }) => {
			await withDatabase(async (pool) => {
				const where = options.status === undefined ? {} : { status: options.status };
				const rows = await listView(pool, 'bot_status', { where, orderBy: 'bot_id', limit: 100_000 });
				if (options.json) printJson(rows);
				else
					printTable(rows, [
						'bot_id',
						'name',
						'status',
						'symbol',
						'net_pnl',
						'last_outcome',
						'strategy',
						'account',
						'interval_minutes',
						'next_check_at',
					]);
			});
		});

	bots
		.command('show <bot>')
		.description('show one bot with its latest checks, signals and trades')
		.option('--json', 'print as JSON')
		.action(async (bot: string, options: { json?: boolean }) => {
			await withDatabase(async (pool) => {
				const row = await findBot(pool, bot);
				const where = { bot_id: Number(row.bot_id) };
				const checks = await listView(pool, 'checks', { where, orderBy: '-due_at', limit: 10 });
				const signals = await listView(pool, 'signals', { where, orderBy: '-decided_at', limit: 10 });
				const trades = await listView(pool, 'trades', { where, orderBy: '-queued_at', limit: 10 });
				const intervalChanges = await listView(pool, 'interval_changes', { where, orderBy: '-changed_at', limit: 10 });
				const regime = await findRegime(pool, row);
				if (options.json) return printJson({ bot: row, regime, checks, signals, trades, intervalChanges });
				printFacts({ ...row, regime: describeRegime(regime) });
				if (row.adaptive_base_minutes !== null) {
					process.stdout.write('\nLatest changes of the interval\n');
					printTable(intervalChanges, ['changed_at', 'from_minutes', 'to_minutes', 'regime_volatility']);
				}
				process.stdout.write('\nLatest checks\n');
				printTable(checks, [
					'due_at',
					'kind',
					'score',
					'decision',
					'outcome',
					'reason_code',
					'data_age_ms',
					'is_repeated',
				]);
				process.stdout.write('\nLatest signals\n');
				printTable(signals, ['decided_at', 'direction', 'score', 'status', 'reason_code', 'repeat_count']);
				process.stdout.write('\nLatest trades\n');
				printTable(trades, ['queued_at', 'direction', 'quantity', 'status', 'order_status', 'average_price']);
			});
		});

	bots
		.command('create')
		.description('create a bot; it is checked from the next point of its grid on')
		.requiredOption('--name <name>', 'its name', newName)
		.requiredOption('--strategy <name>', 'strategy, by name or id')
		.requiredOption('--account <account>', 'account, by id or name')
		.requiredOption('--symbol <symbol>', 'instrument, such as BTC/USDT:USDT or BTCUSDT')
		.option('--second-symbol <symbol>', 'the perpetual of a strategy of two legs, whose first leg is --symbol')
		.option('--interval <minutes>', "1, 5, 15 or 60; the strategy's own by default", intervalMinutes)
		.option('--adaptive', 'let the interval follow volatility: one step shorter in HIGH, one longer in LOW')
		.option('--parameters <json>', 'strategy parameters that differ from the defaults', jsonObject, {})
		.option('--notional <amount>', 'size of an entry in the settlement asset', positiveDecimal)
		.option('--fraction <share>', 'size of an entry as a share of the capital', positiveDecimal)
		.option('--volatility <share>', 'size of an entry by the share of the capital that one ATR costs', positiveDecimal)
		.option('--leverage <factor>', 'leverage on perpetuals', positiveDecimal, '1')
		.option('--max-position <amount>', 'the largest notional of its position', positiveDecimal)
		.option('--confirm', 'ask a person before each entry is sent; closes and stops never wait')
		.option('--json', 'print as JSON')
		.action(async (options: CreateOptions) => {
			await withDatabase(async (pool, config) => {
				const id = await create(pool, config, options);
				const [row] = await listView(pool, 'bot_status', { where: { bot_id: id } });
				if (options.json) printJson(row);
				else if (row?.next_check_at instanceof Date)
					process.stdout.write(`created bot ${id}, first check at ${row.next_check_at.toISOString()}\n`);
				else process.stdout.write(`created bot ${id}, which ${String(row?.status_reason)}\n`);
			});
		});

	bots
		.command('limit <bot>')
		.description('limit the position of a bot')
		.requiredOption('--max-position <amount>', 'its largest notional, or none', (text) =>
			text === 'none' ? text : positiveDecimal(text),
		)
		.action(async (bot: string, { maxPosition }: { maxPosition: string }) => {
			await withDatabase(async (pool) => {
				const row = await findBot(pool, bot);
				const wanted = maxPosition === 'none' ? null : maxPosition;
				await setBotLimit(pool, { botId: Number(row.bot_id), maxPositionNotional: wanted, actor: actor() });
				const limit = wanted === null ? 'without a limit' : `limited to ${maxPosition} ${row.settle_asset}`;
				process.stdout.write(`the position of bot ${row.bot_id} ${row.name} is ${limit}\n`);
			});
		});

	bots
		.command('execution')
		.argument('<bot>', 'bot, by id or name')
		.argument('<mode>', 'auto or confirm', oneOf('AUTO', 'CONFIRM'))
		.description('say whether a bot asks a person before each entry')
		.action(async (bot: string, execution: 'AUTO' | 'CONFIRM') => {
			await withDatabase(async (pool) => {
				const row = await findBot(pool, bot);
				await changeBot(pool, { botId: Number(row.bot_id), changes: { execution }, actor: actor() });
				const what = execution === 'AUTO' ? 'sends entries by itself' : 'asks before each entry';
				process.stdout.write(`bot ${row.bot_id} ${row.name} ${what}\n`);
			});
		});

	const steer = (name: string, description: string, status: BotStatus): void => {
		bots
			.command(`${name} <bot>`)
			.description(description)
			.option('--reason <text>', 'why')
			.action(async (bot: string, options: { reason?: string }) => {
				await withDatabase(async (pool) => {
					const row = await findBot(pool, bot);
					try {
						await setBotStatus(pool, { botId: Number(row.bot_id), status, reason: options.reason, actor: actor() });
					} catch (error) {
						throw asUsage(error);
					}
					process.stdout.write(`bot ${row.bot_id} ${row.name} is ${status}\n`);
				});
			});
	};
	steer('pause', 'pause a bot: no checks until it is resumed; its position and stops stay', 'PAUSED');
	steer('resume', 'let a paused or stopped bot go on', 'ACTIVE');
	steer('delete', 'delete a bot for good; its history stays, an open position stays open', 'DELETED');

	bots
		.command('check <bot>')
		.description('evaluate a bot at once and print what it decided and why')
		.option('--dry-run', 'decide nothing: only evaluate')
		.option('--json', 'print as JSON')
		.action(async (bot: string, options: { dryRun?: boolean; json?: boolean }) => {
			await withDatabase(async (pool) => {
				const row = await findBot(pool, bot);
				const jobs = await createJobs({ pool, isSupervisor: false, onError: () => undefined });
				try {
					const check = await awaitManualCheck(pool, jobs, Number(row.bot_id), options.dryRun ?? false);
					const regime = await findRegime(pool, row, check.candle_at as Date | null);
					if (options.json) printJson({ ...check, regime });
					else printCheck(check, regime);
				} finally {
					await jobs.stop();
				}
			});
		});
}

export async function findBot(db: Queryable, text: string): Promise<ViewRow> {
	const { id, name } = idOrName(text);
	const [row] = await listView(db, 'bot_status', { where: id === null ? { name } : { bot_id: id }, limit: 1 });
	if (row === undefined) throw new BotboxError('BOT_NOT_FOUND', `there is no bot ${text}`);
	return row;
}

export async function findAccount(db: Queryable, text: string): Promise<ViewRow> {
	const { id, name } = idOrName(text);
	const [row] = await listView(db, 'accounts', { where: id === null ? { name } : { account_id: id }, limit: 1 });
	if (row === undefined) throw new BotboxError('ACCOUNT_NOT_FOUND', `there is no account ${text}`);
	return row;
}

interface CreateOptions {
	readonly name: string;
	readonly strategy: string;
	readonly account: string;
	readonly symbol: string;
	readonly secondSymbol?: string;
	readonly interval?: IntervalMinutes;
	readonly adaptive?: boolean;
	readonly parameters: Readonly<Record<string, unknown>>;
	readonly notional?: string;
	readonly fraction?: string;
	readonly volatility?: string;
	readonly leverage: string;
	readonly maxPosition?: string;
	readonly confirm?: boolean;
	readonly json?: boolean;
}

async function create(pool: Pool, config: Config, options: CreateOptions): Promise<number> {
	const { sizing, sizingValue } = sizeOf(options);
	const version = await withCatalogue(config, async (catalogue) => {
		const { name, defaults } = await existingStrategy(catalogue, options.strategy);
		// As `strategies set` does: one weight may be given without the others.
		return await describeVersion(name, mergeParameters(defaults ?? {}, options.parameters), catalogue);
	});
	const account = await findAccount(pool, options.account);
	const exchangeId = String(account.exchange_id);
	await ensureMarkets(pool, config, exchangeId);
	const { symbol, secondSymbol } = options;
	const instrument = await findInstrument(pool, exchangeId, symbol, version.info.legs === 2 ? 'SPOT' : 'LINEAR');
	const second = secondSymbol === undefined ? null : await findInstrument(pool, exchangeId, secondSymbol, 'LINEAR');
	try {
		// All or nothing: a bot that is refused leaves no strategy version behind.
		return await inTransaction(pool, async (db) => {
			await publishStrategies(db);
			return await createBot(db, {
				name: options.name,
				strategyVersionId: await recordVersion(db, version),
				accountId: Number(account.account_id),
				instrumentId: instrument.id,
				furtherInstrumentIds: second === null ? [] : [second.id],
				intervalMinutes: options.interval ?? version.info.defaultInterval,
				isAdaptive: options.adaptive ?? false,
				sizing,
				sizingValue,
				leverage: options.leverage,
				maxPositionNotional: options.maxPosition,
				execution: options.confirm ? 'CONFIRM' : 'AUTO',
				actor: actor(),
			});
		});
	} catch (error) {
		throw asUsage(error);
	}
}

/** The one size that was given; throws UsageError without one, and with several. */
function sizeOf({ notional, fraction, volatility }: CreateOptions) {
	const given = [
		{ sizing: 'FIXED_NOTIONAL', sizingValue: notional },
		{ sizing: 'CAPITAL_FRACTION', sizingValue: fraction },
		{ sizing: 'VOLATILITY_TARGET', sizingValue: volatility },
	] as const;
	const sizes = given.flatMap(({ sizing, sizingValue }) =>
		sizingValue === undefined ? [] : [{ sizing, sizingValue }],
	);
	const [only] = sizes;
	if (only === undefined || sizes.length > 1)
		throw new UsageError('give the size as either --notional, --fraction or --volatility');
	return only;
}

/** An exchange's own symbol names the spot market and the perpetual alike: `meant` unless the symbol says otherwise. */
async function findInstrument(pool: Pool, exchangeId: string, text: string, meant: MarketType) {
	const candidates = await findInstruments(pool, { exchangeId, symbols: [text] });
	const instrument =
		candidates.find(({ symbol }) => symbol === text) ??
		candidates.find(({ marketType }) => marketType === meant) ??
		candidates[0];
	if (instrument === undefined)
		throw new BotboxError('INSTRUMENT_NOT_FOUND', `${exchangeId} has no instrument ${text}`);
	return instrument;
}

/** A broken constraint is the caller's mistake, not the system's. */
export function asUsage(error: unknown): unknown {
	if (!(error instanceof Error) || !('code' in error)) return error;
	const constraint = 'constraint' in error ? String(error.constraint) : '';
	if (error.code === '23505')
		return new BotboxError('NAME_TAKEN', `the name is already in use (${constraint})`, { cause: error });
	// Functions refuse in words of their own; a table's constraint has its name only, and names read as sentences.
	const isOfTable = 'table' in error && error.table !== undefined;
	if (error.code === '23514')
		return new UsageError(isOfTable ? `refused: ${constraint.replaceAll('_', ' ')}` : error.message, { cause: error });
	return error;
}
