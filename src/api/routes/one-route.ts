/** One row of a view by its key. */
import type { z } from 'zod';
import type { Columns, RowOf } from '../../database/views/columns.ts';
import { findRow, type View } from '../../database/views/define.ts';
import { BotboxError, type ErrorCode } from '../../errors.ts';
import type { ApiContext, ApiServer } from '../context.ts';
import { problemResponses } from '../problems.ts';
import type { idParams } from '../schemas.ts';

export interface OneRoute<C extends Columns> {
	/** With `:id` in it. */
	readonly url: string;
	readonly tag: string;
	readonly summary: string;
	readonly view: View<C>;
	readonly row: z.ZodType<RowOf<C>, RowOf<C>>;
	/** The column that `:id` is, and what it must look like. */
	readonly key: keyof C & string;
	readonly params: z.ZodType<{ readonly id: string | number }>;
	/** In `there is no <name> 17`. */
	readonly name: string;
	readonly missing?: ErrorCode;
}

export function addOne<C extends Columns>(app: ApiServer, context: ApiContext, route: OneRoute<C>): void {
	const { url, tag, summary } = route;
	const row = route.row as unknown as z.ZodType<object, object>;
	// One type for the compiler: numbers, uuids and names all go on as they are.
	const params = route.params as unknown as typeof idParams;
	app.get(
		url,
		{
			config: { access: 'viewer' },
			schema: { tags: [tag], summary, params, response: { 200: row, ...problemResponses } },
		},
		async (request) => await existingRow(context, route, request.params.id),
	);
}

/** Read where changes are made, so that it shows one that was just made. */
export async function existingRow<C extends Columns>(
	{ pool }: ApiContext,
	{ view, key, name, missing = 'NOT_FOUND' }: Pick<OneRoute<C>, 'view' | 'key' | 'name' | 'missing'>,
	id: string | number,
): Promise<RowOf<C>> {
	const row = await findRow(pool, view, { [key]: id } as { readonly [K in keyof C]?: RowOf<C>[K] });
	if (row === null) throw new BotboxError(missing, `there is no ${name} ${id}`);
	return row;
}
