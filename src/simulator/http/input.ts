/** Parsing of queries and bodies; pages and cursors. */
import { z } from 'zod';
import { ApiError } from '../api-error.ts';

/** The parsed input, or Bybit's 10001 that says which parameter is wrong. */
export function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
	const parsed = schema.safeParse(input);
	if (parsed.success) return parsed.data;
	const issue = parsed.error.issues[0];
	throw new ApiError(10001, `params error: ${issue?.path.join('.') || 'body'} invalid: ${issue?.message ?? 'unknown'}`);
}

export const optionalText = z
	.string()
	.transform((value) => (value === '' ? undefined : value))
	.optional();
export const optionalTime = z.coerce.number().int().nonnegative().optional();

/** Bybit clamps a limit that is out of range instead of refusing it. */
export function limitOf(most: number, standard: number): z.ZodType<number, string | undefined> {
	return z
		.string()
		.optional()
		.transform((value) => {
			const asked = Number(value ?? standard);
			return Number.isFinite(asked) && asked >= 1 ? Math.min(most, Math.floor(asked)) : standard;
		});
}

interface Page<Item> {
	readonly list: Item[];
	readonly nextPageCursor: string;
}

/** A page of newest-first items after the cursor; the cursor is the sequence number of the last item seen. */
export function page<Item extends { readonly sequence: number }>(
	newestFirst: Iterable<Item>,
	limit: number,
	cursor: string | undefined,
): Page<Item> {
	const before = cursor === undefined ? Number.POSITIVE_INFINITY : Number(/^s(\d+)$/.exec(cursor)?.[1] ?? Number.NaN);
	if (Number.isNaN(before)) throw new ApiError(10001, 'params error: cursor invalid');
	const list: Item[] = [];
	for (const item of newestFirst) {
		if (item.sequence >= before) continue;
		if (list.length === limit) return { list, nextPageCursor: `s${list.at(-1)?.sequence ?? 0}` };
		list.push(item);
	}
	return { list, nextPageCursor: '' };
}

export function* newestFirst<Item>(items: readonly Item[]): Generator<Item> {
	for (let index = items.length - 1; index >= 0; index -= 1) {
		const item = items[index];
		if (item !== undefined) yield item;
	}
}
