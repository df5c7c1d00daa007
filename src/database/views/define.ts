/**
 * Typed reads of the reporting views. A view is described once, by its columns and the order in which its lists come; from that
 * follow the row type, the page query and (in src/api) the documented schema. A test compares descriptions and database.
 *
 * Pages are found by key, not by offset: a page costs the same wherever it lies, and rows that arrive meanwhile neither repeat
 * nor hide others.
 */
import { BotboxError } from '../../errors.ts';
import type { Queryable } from '../functions/define.ts';
import { baseType, type Columns, type EnumerationName, enumerations, isEnumeration, type RowOf } from './columns.ts';

export interface View<C extends Columns = Columns> {
	readonly name: string;
	readonly columns: C;
	/** Columns that are never null and together unique; an index of the table below serves them. */
	readonly order: readonly string[];
	readonly direction: 'asc' | 'desc';
	/** Text columns that `search` looks into. */
	readonly searched: readonly string[];
}

/** Every view that was described, for the test that compares them with the database. */
export const definedViews: View[] = [];

export function defineView<const C extends Columns>(
	name: string,
	options: {
		readonly order: readonly (keyof C & string)[];
		readonly direction: 'asc' | 'desc';
		readonly searched?: readonly (keyof C & string)[];
	},
	columns: C,
): View<C> {
	const view = { name, columns, searched: [], ...options };
	definedViews.push(view);
	return view;
}

export interface PageRequest<C extends Columns> {
	readonly limit: number;
	/** `next` of the page before. */
	readonly after?: string | undefined;
	/** Columns that must equal a value; undefined ones are not asked for. */
	readonly where?: { readonly [K in keyof C]?: RowOf<C>[K] | undefined };
	/** Part of a searched column, case-insensitive. */
	readonly search?: string | undefined;
}

export interface Page<Row> {
	readonly items: Row[];
	/** Null: this was the last page. */
	readonly next: string | null;
}

/** One page; throws VALIDATION_FAILED for a cursor that is not of this list. */
export async function listRows<C extends Columns>(
	db: Queryable,
	view: View<C>,
	request: PageRequest<C>,
): Promise<Page<RowOf<C>>> {
	const values: unknown[] = [];
	const conditions = whereClauses(view, request.where ?? {}, values);
	if (request.search !== undefined && request.search !== '' && view.searched.length > 0) {
		values.push(`%${request.search.replace(/[\\%_]/g, '\\$&')}%`);
		conditions.push(`(${view.searched.map((column) => `${column} ilike $${values.length}`).join(' or ')})`);
	}
	if (request.after !== undefined) {
		const key = readCursor(view, request.after);
		const placeholders = view.order.map((column, i) => {
			values.push(key[i]);
			return `$${values.length}::${sqlType(view, column)}`;
		});
		conditions.push(`(${view.order.join(', ')}) ${view.direction === 'asc' ? '>' : '<'} (${placeholders.join(', ')})`);
	}
	values.push(request.limit + 1);
	const order = view.order.map((column) => `${column} ${view.direction}`).join(', ');
	// The key as text keeps the microseconds that a Date would lose.
	const key = `jsonb_build_array(${view.order.map((column) => `${column}::text`).join(', ')})`;
	const { rows } = await db.query<Record<string, unknown>>(
		`select ${columnList(view)}, ${key} as page_key
		   from reporting.${view.name}
		  ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}
		  order by ${order}
		  limit $${values.length}`,
		values,
	);
	const last = rows.length > request.limit ? rows[request.limit - 1] : undefined;
	return {
		items: rows.slice(0, request.limit).map(({ page_key: _, ...row }) => row as RowOf<C>),
		next: last === undefined ? null : writeCursor(view, last.page_key as readonly string[]),
	};
}

/** The one row that has these values; null if there is none. */
export async function findRow<C extends Columns>(
	db: Queryable,
	view: View<C>,
	where: { readonly [K in keyof C]?: RowOf<C>[K] | undefined },
): Promise<RowOf<C> | null> {
	const values: unknown[] = [];
	const conditions = whereClauses(view, where, values);
	const { rows } = await db.query<Record<string, unknown>>(
		`select ${columnList(view)}
		   from reporting.${view.name}
		  ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}
		  limit 1`,
		values,
	);
	return (rows[0] as RowOf<C> | undefined) ?? null;
}

/** The rows whose `column` has one of these values, given as text; in no order. */
export async function findRows<C extends Columns>(
	db: Queryable,
	view: View<C>,
	column: keyof C & string,
	keys: readonly string[],
	/** Further columns that must equal a value; times may come as text, with their microseconds. */
	where: { readonly [K in keyof C]?: RowOf<C>[K] | string } = {},
): Promise<RowOf<C>[]> {
	const values: unknown[] = [keys];
	const conditions = [`${column} = any ($1::${sqlType(view, column)}[])`, ...whereClauses(view, where, values)];
	const { rows } = await db.query<Record<string, unknown>>(
		`select ${columnList(view)}
		   from reporting.${view.name}
		  where ${conditions.join(' and ')}`,
		values,
	);
	return rows as RowOf<C>[];
}

function whereClauses(view: View, where: Readonly<Record<string, unknown>>, values: unknown[]): string[] {
	return Object.entries(where).flatMap(([column, value]) => {
		if (value === undefined) return [];
		if (value === null) return [`${column} is null`];
		values.push(value);
		return [`${column} = $${values.length}::${sqlType(view, column)}`];
	});
}

function columnList(view: View): string {
	// Arrays of enumerations have no parser of their own: as text they arrive as arrays.
	return Object.entries(view.columns)
		.map(([column, type]) => (baseType(type) === 'regime_direction[]' ? `${column}::text[] as ${column}` : column))
		.join(', ');
}

function sqlType(view: View, column: string): string {
	const type = baseType(view.columns[column] ?? 'text');
	return isEnumeration(type) ? `botbox.${type}` : type;
}

function writeCursor(view: View, key: readonly string[]): string {
	return Buffer.from(JSON.stringify([view.name, ...key])).toString('base64url');
}

const wellFormed: Partial<Record<string, RegExp>> = {
	bigint: /^-?\d{1,18}$/,
	integer: /^-?\d{1,9}$/,
	boolean: /^(true|false)$/,
	timestamptz: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00$/,
	uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
};

function readCursor(view: View, cursor: string): readonly string[] {
	let parsed: unknown;
	try {
		parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
	} catch {
		parsed = null;
	}
	const [name, ...key]: unknown[] = Array.isArray(parsed) ? parsed : [];
	const isValid =
		name === view.name &&
		key.length === view.order.length &&
		view.order.every((column, i) => {
			const value = key[i];
			const type = baseType(view.columns[column] ?? 'text');
			if (typeof value !== 'string' || value.includes('\0')) return false;
			if (isEnumeration(type)) return isLabel(type, value);
			return wellFormed[type]?.test(value) ?? true;
		});
	if (!isValid) {
		throw new BotboxError('VALIDATION_FAILED', 'after: is not the `next` of a page of this list', {
			details: { errors: [{ field: 'after', message: 'is not the `next` of a page of this list' }] },
		});
	}
	return key as string[];
}

function isLabel(type: EnumerationName, value: string): boolean {
	return (enumerations[type] as readonly string[]).includes(value);
}
