/** Parsers of command-line values: each refuses a wrong one in words that name what was expected. */
import { InvalidArgumentError } from 'commander';
import { type IntervalMinutes, intervals, type Timeframe, timeframes } from '../domain.ts';
import { UsageError } from '../errors.ts';

export function portNumber(text: string): number {
	const port = Number(text);
	if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('Expected a port from 0 to 65535.');
	return port;
}

export function positiveInteger(text: string): number {
	const value = Number(text);
	if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1)
		throw new InvalidArgumentError('Expected a whole number above 0.');
	return value;
}

export function wholeNumber(text: string): number {
	const value = Number(text);
	if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError('Expected a whole number.');
	return value;
}

/** A name for something new: an all-digit one would be taken for a number wherever an id or a name may stand. */
export function newName(text: string): string {
	if (text.trim() !== text || text.length < 1 || text.length > 100 || /^\d+$/.test(text))
		throw new InvalidArgumentError('Expected 1 to 100 characters, not digits only, without spaces around them.');
	return text;
}

export function assetCode(text: string): string {
	if (!/^[A-Z0-9]{1,20}$/.test(text)) throw new InvalidArgumentError('Expected an asset in capitals, such as USDT.');
	return text;
}

/** Decimal text, as it goes to numeric columns. */
export function positiveDecimal(text: string): string {
	if (!/^\d{1,18}(\.\d{1,18})?$/.test(text) || Number(text) <= 0)
		throw new InvalidArgumentError('Expected a number above 0.');
	return text;
}

/** Decimal text other than 0, below it with a minus. */
export function signedDecimal(text: string): string {
	if (!/^-?\d{1,18}(\.\d{1,18})?$/.test(text) || Number(text) === 0)
		throw new InvalidArgumentError('Expected a number other than 0.');
	return text;
}

export function intervalMinutes(text: string): IntervalMinutes {
	const found = intervals.find((interval) => String(interval) === text);
	if (found === undefined) throw new InvalidArgumentError(`Expected one of ${intervals.join(', ')} minutes.`);
	return found;
}

export function timeframe(text: string): Timeframe {
	const found = timeframes.find((name) => name === text);
	if (found === undefined) throw new InvalidArgumentError(`Expected one of ${timeframes.join(', ')}.`);
	return found;
}

/** ISO 8601, a day or a moment; in UTC where it names no zone. */
export function moment(text: string): Date {
	const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[-+]\d\d:?\d\d)?)?$/i.exec(text);
	const [, date, time = '00:00', zone = 'Z'] = match ?? [];
	const at = new Date(`${date}T${time}${zone.toUpperCase()}`);
	if (match === null || Number.isNaN(at.getTime()))
		throw new InvalidArgumentError('Expected a time such as 2026-01-31 or 2026-01-31T12:00:00Z.');
	return at;
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `30m`, `2h`, `1d` to milliseconds. */
export function duration(text: string): number {
	const match = /^(\d{1,6})([smhd])$/.exec(text);
	const ms = Number(match?.[1]) * (units[match?.[2] ?? ''] ?? Number.NaN);
	if (!(ms > 0)) throw new InvalidArgumentError('Expected a duration such as 90s, 30m, 2h or 1d.');
	return ms;
}

export function oneOf<const T extends string>(...values: readonly T[]): (text: string) => T {
	return (text) => {
		const found = values.find((value) => value.toLowerCase() === text.toLowerCase());
		if (found === undefined) throw new InvalidArgumentError(`Expected one of ${values.join(', ')}.`);
		return found;
	};
}

export function jsonObject(text: string): Readonly<Record<string, unknown>> {
	try {
		const value: unknown = JSON.parse(text);
		if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
	} catch {
		// Falls through to the one message for everything that is not an object.
	}
	throw new InvalidArgumentError('Expected a JSON object, such as {"timeframe":"5m"}.');
}

/** A bot, account or token by number; anything else is a name. */
export function idOrName(text: string): { readonly id: number | null; readonly name: string } {
	const id = /^\d{1,15}$/.test(text) ? Number(text) : null;
	if (text.trim() === '') throw new UsageError('an id or a name is needed');
	return { id, name: text };
}
