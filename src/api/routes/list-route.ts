/** A list of rows of one view: pages found by key, filters by equality, an optional search. */
import { z } from 'zod';
import type { TokenRole } from '../../database/functions/define.ts';
import type { Columns, RowOf } from '../../database/views/columns.ts';
import { listRows, type View } from '../../database/views/define.ts';
import type { ApiContext, ApiServer } from '../context.ts';
import { problemResponses } from '../problems.ts';
import { filterSchema, idParams, lineSchema, pageQuery, pageSchema } from '../schemas.ts';

export interface ListRoute<C extends Columns> {
	readonly url: string;
	readonly tag: string;
	readonly summary: string;
	readonly view: View<C>;
	readonly row: z.ZodType<RowOf<C>, RowOf<C>>;
	/** Query parameter to the column that must equal it. */
	readonly filters?: Readonly<Record<string, keyof C & string>>;
	/** Filters that must be given. */
	readonly required?: readonly string[];
	readonly access?: TokenRole;
}

/** GET `url`, for everything. */
export function addList<C extends Columns>(app: ApiServer, context: ApiContext, route: ListRoute<C>): void {
	const { view, row, tag, summary, access = 'viewer' } = route;
	const query = querySchema(route);
	app.get(
		route.url,
		{
			config: { access },
			schema: { tags: [tag], summary, querystring: query, response: { 200: pageSchema(row), ...problemResponses } },
		},
		async (request) => await listRows(context.readPool, view, pageRequest(route, request.query)),
	);
}

/** GET `/bots/:id<url>`, for one bot; `requireBot` throws if there is none. */
export function addBotList<C extends Columns>(
	app: ApiServer,
	context: ApiContext,
	route: ListRoute<C>,
	requireBot: (botId: number) => Promise<unknown>,
): void {
	const { view, row, tag, summary } = route;
	const query = querySchema(route);
	app.get(
		`/bots/:id${route.url}`,
		{
			config: { access: 'viewer' },
			schema: {
				tags: [tag],
				summary,
				params: idParams,
				querystring: query,
				response: { 200: pageSchema(row), ...problemResponses },
			},
		},
		async (request) => {
			await requireBot(request.params.id);
			const page = pageRequest(route, request.query);
			const where = { ...page.where, bot_id: request.params.id } as typeof page.where;
			return await listRows(context.readPool, view, { ...page, where });
		},
	);
}

function querySchema<C extends Columns>(route: ListRoute<C>) {
	const filters = Object.entries(route.filters ?? {}).map(([name, column]) => {
		const schema = filterSchema(route.view.columns[column] ?? 'text');
		return [name, route.required?.includes(name) ? schema : schema.optional()] as const;
	});
	const search = route.view.searched.length > 0 && route.filters !== undefined ? { q: lineSchema(100).optional() } : {};
	return z.strictObject({ ...pageQuery, ...search, ...Object.fromEntries(filters) });
}

interface Query {
	readonly limit: number;
	readonly after?: string | undefined;
	readonly [filter: string]: unknown;
}

function pageRequest<C extends Columns>(route: ListRoute<C>, query: Query) {
	const where = Object.fromEntries(
		Object.entries(route.filters ?? {}).map(([name, column]) => [column, query[name]]),
	) as { readonly [K in keyof C]?: RowOf<C>[K] };
	return { limit: query.limit, after: query.after, where, search: typeof query.q === 'string' ? query.q : undefined };
}
