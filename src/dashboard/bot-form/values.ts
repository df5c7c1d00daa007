/** What is entered in the form of a bot, and the body of the request that it makes. */
import type { Bot } from '../api/rows.ts';

export interface BotValues {
	readonly name: string;
	/** Its name; fixed once the bot is made, like account and markets. */
	readonly strategy: string;
	readonly account_id: string;
	readonly symbol: string;
	readonly second_symbol: string;
	readonly interval_minutes: string;
	readonly is_adaptive: string;
	readonly sizing: string;
	readonly sizing_value: string;
	readonly leverage: string;
	/** Empty: no limit. */
	readonly max_position_notional: string;
	readonly execution: string;
}

export const emptyBot: BotValues = {
	name: '',
	strategy: '',
	account_id: '',
	symbol: '',
	second_symbol: '',
	interval_minutes: '',
	is_adaptive: 'false',
	sizing: 'FIXED_NOTIONAL',
	sizing_value: '500',
	leverage: '1',
	max_position_notional: '',
	execution: 'AUTO',
};

export function valuesOf(bot: Bot): BotValues {
	return {
		name: bot.name,
		strategy: bot.strategy,
		account_id: String(bot.account_id),
		symbol: bot.symbol,
		second_symbol: bot.second_symbol ?? '',
		interval_minutes: String(bot.adaptive_base_minutes ?? bot.interval_minutes),
		is_adaptive: String(bot.adaptive_base_minutes !== null),
		sizing: bot.sizing,
		sizing_value: String(Number(bot.sizing_value)),
		leverage: String(Number(bot.leverage)),
		max_position_notional: bot.max_position_notional === null ? '' : String(Number(bot.max_position_notional)),
		execution: bot.execution,
	};
}

/** Fields that may be set at any time, as the API takes them; what is empty is left out. */
export function settingsOf(values: BotValues): Record<string, unknown> {
	return {
		name: values.name.trim(),
		...(values.interval_minutes === '' ? {} : { interval_minutes: Number(values.interval_minutes) }),
		is_adaptive: values.is_adaptive === 'true',
		sizing: values.sizing,
		sizing_value: values.sizing_value.trim(),
		...(values.leverage.trim() === '' ? {} : { leverage: numberOr(values.leverage) }),
		max_position_notional: values.max_position_notional.trim() === '' ? null : values.max_position_notional.trim(),
		execution: values.execution,
	};
}

/** Text that is no number stays text, for the validation to refuse. */
const numberOr = (text: string): number | string => (Number.isFinite(Number(text)) ? Number(text) : text);
