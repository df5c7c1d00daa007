/** `botbox flatten`: close everything of a scope, and say what is closed and what is not. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { BotboxError } from '../../errors.ts';
import { wholeNumber } from '../arguments.ts';
import { type FlattenReport, flatten } from '../flatten.ts';
import { printJson, printTable } from '../output.ts';
import { actor, withDatabase } from '../session.ts';
import { findScope, requireOneScope, type ScopeOptions, withScope } from './pauses.ts';

export function registerFlatten(program: Command): void {
	withScope(program.command('flatten'))
		.description('pause entries, cancel those that wait, close every position, and confirm each with the exchange')
		.option('--reason <text>', 'why', 'flattened by hand')
		.option('--wait <seconds>', 'how long to wait until all is closed and compared', wholeNumber, 120)
		.option('--json', 'print as JSON')
		.action(async (options: ScopeOptions & { reason: string; wait: number; json?: boolean }) => {
			requireOneScope(options);
			await withDatabase(async (pool) => {
				const report = await flatten(pool, await findScope(pool, options), {
					reason: options.reason,
					actor: actor(),
					waitMs: options.wait * 1_000,
					sleep: (ms) => sleep(ms),
				});
				if (options.json) printJson(report);
				else print(report);
				if (!report.is_flat) throw new BotboxError('FLATTEN_INCOMPLETE', whatIsLeft(report));
			});
		});
}

function print({ positions, entries, accounts }: FlattenReport): void {
	printTable(positions, ['position_id', 'bot_id', 'account_id', 'symbol', 'state']);
	// Whole, not cut to a column: it says what to do.
	for (const { position_id, why } of positions) {
		if (why !== null) process.stdout.write(`position ${position_id}: ${why}\n`);
	}
	for (const { trade_id, symbol, state } of entries)
		process.stdout.write(`entry ${trade_id} of ${symbol}: ${state.toLowerCase()}\n`);
	for (const { account, is_compared, differences } of accounts) {
		const agrees = differences.length === 0 ? 'the exchange agrees' : `the exchange differs: ${differences.join('; ')}`;
		process.stdout.write(`account ${account}: ${is_compared ? agrees : 'not compared with the exchange yet'}\n`);
	}
}

function whatIsLeft({ positions, entries, accounts }: FlattenReport): string {
	const open = positions.filter(({ state }) => state === 'OPEN').length;
	const settling = entries.filter(({ state }) => state === 'SETTLING').length;
	if (open > 0) return `${open} of ${positions.length} positions are still open; entries stay paused`;
	if (settling > 0) return `${settling} entries that may have been sent are not settled yet; entries stay paused`;
	const differing = accounts.filter(({ differences }) => differences.length > 0).map(({ account }) => account);
	if (differing.length > 0)
		return `all is closed in the books, but the exchange differs: account ${differing.join(', ')}`;
	const waiting = accounts.filter(({ is_compared }) => !is_compared).map(({ account }) => account);
	if (waiting.length > 0) return `all is closed, but not yet compared with the exchange: account ${waiting.join(', ')}`;
	return 'trades of the scope are still under way; entries stay paused';
}
