/** Figures as people read them. Decimal strings become floats here only, for display. */

const minus = '\u2212';
export const none = '–';

type Figure = string | number | null | undefined;

const formats = new Map<string, Intl.NumberFormat>();

function format(value: number, options: Intl.NumberFormatOptions): string {
	const key = JSON.stringify(options);
	let found = formats.get(key);
	if (found === undefined) {
		found = new Intl.NumberFormat('en-US', options);
		formats.set(key, found);
	}
	return found.format(value).replace('-', minus);
}

function parse(value: Figure): number | null {
	if (value === null || value === undefined || value === '') return null;
	const number = Number(value);
	return Number.isFinite(number) ? number : null;
}

export function count(value: Figure): string {
	const number = parse(value);
	return number === null ? none : format(number, { maximumFractionDigits: 0 });
}

/** Two decimals; `signed` shows a plus as well. What rounds to zero has no sign. */
export function money(value: Figure, signed = false): string {
	const number = parse(value);
	if (number === null) return none;
	return format(number, {
		minimumFractionDigits: 2,
		maximumFractionDigits: 2,
		signDisplay: signed ? 'exceptZero' : 'negative',
	});
}

/** As many decimals as its size calls for, so that prices of one market align. */
export function price(value: Figure): string {
	const number = parse(value);
	if (number === null) return none;
	const size = Math.abs(number);
	const digits = size === 0 || size >= 1_000 ? 2 : size >= 10 ? 3 : size >= 1 ? 4 : size >= 0.01 ? 5 : 8;
	return format(number, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function quantity(value: Figure): string {
	const number = parse(value);
	return number === null ? none : format(number, { maximumSignificantDigits: 7 });
}

/** Of a share of 1. */
export function percent(share: number | null | undefined, digits = 0): string {
	if (share === null || share === undefined) return none;
	return format(share, { style: 'percent', minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Scores and factor values: two decimals and their sign. */
export function score(value: number | null | undefined): string {
	if (value === null || value === undefined) return none;
	return format(value, { minimumFractionDigits: 2, maximumFractionDigits: 2, signDisplay: 'exceptZero' });
}

export function factorValue(value: number | null | undefined): string {
	if (value === null || value === undefined) return none;
	return format(value, { maximumSignificantDigits: 5, maximumFractionDigits: 6 });
}

/** A length of time: `756 ms`, `1.5 s`, `5 min 31 s`, `2 h 10 min`. */
export function milliseconds(value: number | null | undefined): string {
	if (value === null || value === undefined) return none;
	const size = Math.abs(value);
	if (size < 1_000) return `${format(value, { maximumFractionDigits: 0 })} ms`;
	if (size < 60_000) return `${format(value / 1_000, { maximumFractionDigits: 1 })} s`;
	const seconds = Math.round(value / 1_000);
	if (seconds < 3_600) return joined(Math.floor(seconds / 60), 'min', seconds % 60, 's');
	const minutes = Math.round(seconds / 60);
	if (minutes < 1_440) return joined(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
	const hours = Math.round(minutes / 60);
	return joined(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function joined(large: number, largeUnit: string, small: number, smallUnit: string): string {
	return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** -1, 0 or 1 as the figure is shown: what rounds to 0.00 is neither gain nor loss. */
export function signOf(value: Figure): -1 | 0 | 1 {
	const number = parse(value);
	if (number === null || Math.abs(number) < 0.005) return 0;
	return number < 0 ? -1 : 1;
}

/** For sorting; what is missing comes last either way. */
export function sortable(value: Figure): number | null {
	return parse(value);
}

/** Sum of decimals for display; null where every one is missing. */
export function total(values: readonly Figure[]): number | null {
	const known = values.map(parse).filter((value) => value !== null);
	return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}
