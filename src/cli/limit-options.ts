/** The limits of an account as options of a command: their names, what they take, and what the database calls them. */
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { positiveDecimal, positiveInteger } from './arguments.ts';

interface LimitOption {
	readonly flags: string;
	readonly meaning: string;
	readonly column: string;
	readonly parse: (text: string) => string | number;
	/** Every account has a value; the others may do without. */
	readonly isAlways?: boolean;
}

/** Commander takes null for an option without a value. */
const none = 'none';

const options: readonly LimitOption[] = [
	{
		flags: '--max-positions <count>',
		meaning: 'concurrent positions',
		column: 'max_positions',
		parse: positiveInteger,
		isAlways: true,
	},
	{
		flags: '--max-correlated-positions <count>',
		meaning: 'positions that move together',
		column: 'max_correlated_positions',
		parse: positiveInteger,
		isAlways: true,
	},
	{
		flags: '--correlation-threshold <share>',
		meaning: 'correlation from which on they count as moving together',
		column: 'correlation_threshold',
		parse: share,
		isAlways: true,
	},
	{
		flags: '--max-instrument-exposure <amount>',
		meaning: 'notional of one instrument, all bots together',
		column: 'max_instrument_exposure',
		parse: positiveDecimal,
	},
	{
		flags: '--max-total-exposure <amount>',
		meaning: 'notional of all instruments together',
		column: 'max_total_exposure',
		parse: positiveDecimal,
	},
	{
		flags: '--max-order-notional <amount>',
		meaning: 'notional of one entry',
		column: 'max_order_notional',
		parse: positiveDecimal,
	},
	{
		flags: '--max-entries-per-minute <count>',
		meaning: 'entries queued in any minute',
		column: 'max_entries_per_minute',
		parse: positiveInteger,
	},
	{
		flags: '--max-price-deviation <share>',
		meaning: "distance of the price from the signal's when an entry is sent, such as 0.01",
		column: 'max_price_deviation',
		parse: share,
	},
	{
		flags: '--daily-loss <amount>',
		meaning: 'loss in a UTC day that makes the account REDUCING',
		column: 'daily_loss_limit',
		parse: positiveDecimal,
	},
	{
		flags: '--max-drawdown <share>',
		meaning: 'fall of the equity from its peak that makes the account REDUCING, such as 0.2',
		column: 'max_drawdown',
		parse: share,
	},
	{
		flags: '--loss-cooldown <minutes>',
		meaning: 'minutes in which a bot that lost enters nothing',
		column: 'loss_cooldown_minutes',
		parse: positiveInteger,
	},
	{
		flags: '--max-losing-streak <count>',
		meaning: 'losing positions in a row after which a bot is paused',
		column: 'max_losing_streak',
		parse: positiveInteger,
	},
	{
		flags: '--max-margin-ratio <share>',
		meaning: 'maintenance margin as a share of the margin that makes the account REDUCING, such as 0.5',
		column: 'max_margin_ratio',
		parse: share,
	},
];

/** In the order in which they are shown. */
export const limitColumns: readonly string[] = options.map(({ column }) => column);

/** Adds an option for each limit; with `isChange`, none removes one that an account may do without. */
export function addLimitOptions(command: Command, { isChange }: { readonly isChange: boolean }): Command {
	for (const { flags, meaning, parse, isAlways } of options) {
		command.option(flags, meaning, (text) => (isChange && !isAlways && text === none ? none : parse(text)));
	}
	return command;
}

/** The limits that were given, by the database's names. */
export function givenLimits(given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
	const named = options.flatMap(({ flags, column }) => {
		const value = given[attribute(flags)];
		return value === undefined ? [] : [[column, value === none ? null : value] as const];
	});
	return Object.fromEntries(named);
}

/** `--max-positions <count>` is kept by commander as `maxPositions`. */
function attribute(flags: string): string {
	const name = flags.replace(/^--/, '').replace(/ .*$/, '');
	return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function share(text: string): string {
	if (!/^(0?\.\d{1,18}|1(\.0+)?)$/.test(text) || Number(text) <= 0)
		throw new InvalidArgumentError('Expected a share above 0, at most 1, such as 0.05.');
	return text;
}
