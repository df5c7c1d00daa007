/** `botbox strategies …`: list, show, versions, diff, set. */
import type { Command } from 'commander';
import { listView, type ViewRow } from '../../database/listing.ts';
import type { Pool } from '../../database/pool.ts';
import { UsageError } from '../../errors.ts';
import { type Difference, diffParameters, type Parameters } from '../../market/parameters.ts';
import { type Change, changeStrategy, findVersion, parametersOf } from '../../market/strategy-change.ts';
import type { StrategyInfo } from '../../strategies/catalogue.ts';
import { jsonObject, positiveInteger } from '../arguments.ts';
import { existingStrategy, withCatalogue } from '../catalogue.ts';
import { printFacts, printJson, printTable } from '../output.ts';
import { actor, readEnvironment, withDatabase } from '../session.ts';
import { asUsage, findBot } from './bots.ts';

export function registerStrategies(program: Command): void {
	const group = program.command('strategies').description('list, show and change strategies');

	group
		.command('list')
		.description('list the strategies and their versions in use')
		.option('--json', 'print as JSON')
		.action(async (options: { json?: boolean }) => {
			await withDatabase(async (pool, config) => {
				const versions = await listView(pool, 'strategies', { orderBy: 'strategy_version_id' });
				const [all, faults] = await withCatalogue(config, (catalogue) =>
					Promise.all([catalogue.list(), catalogue.faults()]),
				);
				const known = all.map(({ id, name, title, defaultInterval, file }) => ({
					id,
					name,
					title,
					defaultInterval,
					file,
				}));
				if (options.json) return printJson({ strategies: known, not_loaded: faults, versions });
				printTable(
					known.map(({ defaultInterval, file, ...strategy }) => {
						return { ...strategy, interval_minutes: defaultInterval, from: file ?? 'botbox' };
					}),
					['id', 'name', 'title', 'interval_minutes', 'from'],
				);
				if (faults.length > 0) {
					process.stdout.write('\nNot loaded\n');
					printTable(
						faults.map(({ file, message }) => ({ file, message })),
						['file', 'message'],
					);
				}
				process.stdout.write('\nVersions\n');
				printTable(versions, [
					'strategy_version_id',
					'name',
					'version',
					'timeframe',
					'history',
					'active_bots',
					'created_at',
				]);
			});
		});

	group
		.command('show <strategy>')
		.description('show a strategy with its parameters and their defaults')
		.option('--version <number>', 'show the parameters of this version instead', positiveInteger)
		.option('--json', 'print as JSON')
		.action(async (name: string, options: { version?: number; json?: boolean }) => {
			const strategy = await existing(name);
			const { version } = options;
			if (version === undefined) {
				showStrategy(strategy, options.json ?? false);
				return;
			}
			await withDatabase(async (pool) => {
				const row = await findVersion(pool, strategy.name, version);
				if (options.json) return printJson(row);
				const { parameters, ...facts } = row;
				printFacts({ ...facts, favourable_regimes: String(facts.favourable_regimes) });
				process.stdout.write('\nParameters\n');
				printParameters(parameters as unknown as Parameters);
			});
		});

	group
		.command('versions <strategy>')
		.description('compare what the versions of a strategy did: bots, checks, signals, trades, profit')
		.option('--json', 'print as JSON')
		.action(async (name: string, options: { json?: boolean }) => {
			const strategy = await existing(name);
			await withDatabase(async (pool) => {
				const where = { strategy: strategy.name };
				const rows = await listView(pool, 'strategy_performance', { where, orderBy: 'strategy_version' });
				if (options.json) return printJson(rows);
				printTable(rows.map(shortened), [
					...([
						'version',
						'active_bots',
						'checks',
						'signals',
						'accepted',
						'executed',
						'open',
						'closed',
						'won',
					] as const),
					...(['pnl_live', 'pnl_paper'] as const),
				]);
			});
		});

	group
		.command('diff')
		.argument('<strategy>')
		.argument('<a>', 'number of a version', positiveInteger)
		.argument('<b>', 'number of another', positiveInteger)
		.description('show each parameter that differs between two versions, nested ones too')
		.option('--json', 'print as JSON')
		.action(async (name: string, before: number, after: number, options: { json?: boolean }) => {
			const strategy = await existing(name);
			await withDatabase(async (pool) => {
				const [left, right] = await Promise.all([
					findVersion(pool, strategy.name, before),
					findVersion(pool, strategy.name, after),
				]);
				const differences = diffParameters(parametersOf(left), parametersOf(right));
				if (options.json) return printJson(differences);
				printDifferences(differences, `version ${before}`, `version ${after}`);
			});
		});

	group
		.command('set <strategy>')
		.description('change parameters: makes a version if it is new, and moves bots to it from their next check on')
		.requiredOption('--parameters <json>', 'the parameters that change', jsonObject)
		.option('--bot <bot...>', 'move these bots, by id or name')
		.option('--all', 'move every bot of the strategy')
		.option(
			'--from-version <number>',
			"change this version; the bots' own, or the defaults, if left out",
			positiveInteger,
		)
		.option('--json', 'print as JSON')
		.action(async (name: string, options: SetOptions) => {
			const strategy = await existing(name);
			if (options.all && options.bot !== undefined) throw new UsageError('give either --bot or --all');
			await withDatabase(async (pool, config) => {
				const bots = await chosenBots(pool, strategy, options);
				const { parameters, fromVersion = null } = options;
				const change = await withCatalogue(config, (catalogue) =>
					changeStrategy(pool, catalogue, { strategy: strategy.name, parameters, fromVersion, bots, actor: actor() }),
				).catch((error: unknown) => {
					throw asUsage(error);
				});
				if (options.json) printJson(change);
				else printChange(change, options);
			});
		});
}

interface SetOptions {
	readonly parameters: Parameters;
	readonly bot?: readonly string[];
	readonly all?: boolean;
	readonly fromVersion?: number;
	readonly json?: boolean;
}

async function existing(name: string): Promise<StrategyInfo> {
	return await withCatalogue(readEnvironment(), (catalogue) => existingStrategy(catalogue, name));
}

async function chosenBots(pool: Pool, strategy: StrategyInfo, { bot, all }: SetOptions): Promise<readonly ViewRow[]> {
	if (all) return await listView(pool, 'bot_status', { where: { strategy: strategy.name }, limit: 1_000_000 });
	const rows: ViewRow[] = [];
	for (const text of bot ?? []) rows.push(await findBot(pool, text));
	return rows;
}

/** A row of `strategy_performance` under names that leave room for its figures. */
function shortened(row: ViewRow) {
	return {
		version: row.strategy_version,
		active_bots: row.active_bots,
		checks: row.checks_hour,
		signals: row.signals_day,
		accepted: row.accepted_day,
		executed: row.executed_day,
		open: row.open_positions,
		closed: row.closed_positions,
		won: row.won,
		pnl_live: row.net_pnl_live,
		pnl_paper: row.net_pnl_paper,
	};
}

function showStrategy(strategy: StrategyInfo, isJson: boolean): void {
	const { id, name, title, defaultInterval, file, defaults, schema } = strategy;
	if (isJson) {
		printJson({ id, name, title, defaultInterval, file, defaults, schema });
		return;
	}
	printFacts({ id, name, title, interval_minutes: defaultInterval, from: file ?? 'botbox' });
	process.stdout.write('\nParameters and their defaults\n');
	if (defaults === null) process.stdout.write('(not every parameter has a default: see --json)\n');
	else printParameters(defaults);
}

/** By the names that --parameters takes. */
function printParameters(parameters: Parameters): void {
	const texts = Object.entries(parameters).map(([key, value]) => [key, JSON.stringify(value)]);
	printFacts(Object.fromEntries(texts), 'written');
}

function printDifferences(differences: readonly Difference[], before: string, after: string): void {
	const text = (value: unknown): string => (value === undefined ? '-' : JSON.stringify(value));
	printTable(
		differences.map((difference) => ({
			parameter: difference.parameter,
			[before]: text(difference.before),
			[after]: text(difference.after),
		})),
		['parameter', before, after],
	);
}

function printChange(change: Change, { bot, all }: SetOptions): void {
	const { strategy, version, isNew, moved } = change;
	const base = change.fromVersion === null ? 'the defaults' : `version ${change.fromVersion}`;
	process.stdout.write(
		`${strategy} version ${version} ${isNew ? 'made from' : 'is there already; compared with'} ${base}\n\n`,
	);
	printDifferences(change.differences, base, `version ${version}`);
	if (bot === undefined && !all) {
		process.stdout.write(
			`\nno bot uses it by this. Move bots: botbox strategies set ${strategy} --parameters '{}' --from-version ${version} --bot NAME (or --all)\n`,
		);
		return;
	}
	process.stdout.write('\nBots moved; open positions and their stops stay as they are\n');
	printTable(
		moved.map(({ botId, name, fromVersion }) => ({
			bot_id: botId,
			name,
			from_version: fromVersion,
			to_version: version,
		})),
		['bot_id', 'name', 'from_version', 'to_version'],
	);
}
