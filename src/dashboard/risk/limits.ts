/** How much of its limits an account uses, from what the API lists; the database alone decides what passes. */
import type { Account, AccountEquity, Position } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';

export interface LimitUse {
	readonly title: string;
	readonly used: string;
	/** Null: there is no such limit. */
	readonly limit: string | null;
	/** 0 to 1 and beyond; null where there is nothing to compare. */
	readonly share: number | null;
	readonly hint?: string;
}

/** At the last price: gross, since either of a long and a short may be closed alone. */
export function notionalOf(position: Position): number {
	const entry = Number(position.average_entry_price);
	const last = position.last_price === null ? entry : Number(position.last_price);
	return entry > 0 ? (Number(position.entry_notional) * last) / entry : 0;
}

/** What the account lost since the day began in UTC, or since a person last resumed it; null before its worth is known. */
export function dayLoss(account: Account, equity: readonly AccountEquity[], nowMs: number): number | null {
	if (account.equity === null) return null;
	const midnight = Math.floor(nowMs / 86_400_000) * 86_400_000;
	const since = Math.max(midnight, account.losses_count_from === null ? 0 : Date.parse(account.losses_count_from));
	// Newest first: the last that was known before, or else the first after.
	const before = equity.find(({ at }) => Date.parse(at) <= since) ?? equity.at(-1);
	return Number(before?.equity ?? account.capital) - Number(account.equity);
}

interface Known {
	/** Open ones of the account. */
	readonly positions: readonly Position[];
	readonly equity: readonly AccountEquity[];
	readonly nowMs: number;
}

export function limitsOf(account: Account, { positions, equity, nowMs }: Known): readonly LimitUse[] {
	const byInstrument = new Map<string, number>();
	for (const position of positions) {
		byInstrument.set(position.symbol, (byInstrument.get(position.symbol) ?? 0) + notionalOf(position));
	}
	const total = [...byInstrument.values()].reduce((sum, value) => sum + value, 0);
	const [largestSymbol, largest] = [...byInstrument].sort(([, a], [, b]) => b - a)[0] ?? [null, 0];
	const peak = Number(account.equity_peak ?? 0);
	const drawdown = account.equity === null || peak <= 0 ? null : Math.max(0, (peak - Number(account.equity)) / peak);
	const loss = dayLoss(account, equity, nowMs);
	return [
		{
			title: 'Open positions',
			used: numbers.count(account.open_positions),
			limit: numbers.count(account.max_positions),
			share: account.open_positions / account.max_positions,
		},
		money('Total exposure', total, account.max_total_exposure),
		{
			...money('Largest market', largest, account.max_instrument_exposure),
			...(largestSymbol === null ? {} : { hint: largestSymbol }),
		},
		money('Loss of the day', loss === null ? null : Math.max(0, loss), account.daily_loss_limit),
		{
			title: 'Drawdown from peak',
			used: numbers.percent(drawdown, 2),
			limit: account.max_drawdown === null ? null : numbers.percent(Number(account.max_drawdown), 1),
			share: account.max_drawdown === null || drawdown === null ? null : drawdown / Number(account.max_drawdown),
		},
	];
}

function money(title: string, used: number | null, limit: string | null): LimitUse {
	return {
		title,
		used: numbers.money(used),
		limit: limit === null ? null : numbers.money(limit),
		share: limit === null || used === null ? null : used / Number(limit),
	};
}

/** Limits without a use to measure: each order or each bot is held to them. */
export function rulesOf(account: Account): readonly (readonly [string, string | null])[] {
	return [
		['Largest order', account.max_order_notional === null ? null : numbers.money(account.max_order_notional)],
		[
			'Entries a minute',
			account.max_entries_per_minute === null ? null : numbers.count(account.max_entries_per_minute),
		],
		[
			'Price deviation',
			account.max_price_deviation === null ? null : numbers.percent(Number(account.max_price_deviation), 2),
		],
		[
			'Correlated positions',
			`${numbers.count(account.max_correlated_positions)} above ${numbers.score(Number(account.correlation_threshold)).replace('+', '')}`,
		],
		[
			'Cooldown after a loss',
			account.loss_cooldown_minutes === null ? null : numbers.milliseconds(account.loss_cooldown_minutes * 60_000),
		],
		['Losing streak', account.max_losing_streak === null ? null : numbers.count(account.max_losing_streak)],
	];
}
