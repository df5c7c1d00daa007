/** The zod schemas of what goes in and out: rows follow from the described views, so that API and database cannot drift apart. */
import { z } from 'zod';
import {
	type BaseType,
	baseType,
	type Columns,
	type ColumnType,
	enumerations,
	isEnumeration,
	type RowOf,
} from '../database/views/columns.ts';
import type { Page, View } from '../database/views/define.ts';

/** The documented shape of a row; `id` names it in the OpenAPI document. */
export function rowSchema<C extends Columns>(view: View<C>, id: string): z.ZodType<RowOf<C>, RowOf<C>> {
	return z.object(rowShape(view)).meta({ id }) as unknown as z.ZodType<RowOf<C>, RowOf<C>>;
}

export function rowShape(view: View): Record<string, z.ZodType> {
	return Object.fromEntries(
		Object.entries(view.columns).map(([column, type]) => {
			const schema = columnSchema(type);
			return [column, type.endsWith('?') ? schema.nullable() : schema];
		}),
	);
}

/** A list answer: `next` goes into `after` for the next page. */
export function pageSchema<Row>(row: z.ZodType<Row, Row>): z.ZodType<Page<Row>, Page<Row>> {
	return z.object({
		items: z.array(row),
		next: z.string().nullable().meta({ description: 'Send it as `after` for the next page; null: this was the last' }),
	});
}

function columnSchema(type: ColumnType): z.ZodType {
	const base = baseType(type);
	if (isEnumeration(base)) return z.enum(enumerations[base]);
	return scalar(base);
}

function scalar(base: BaseType): z.ZodType {
	switch (base) {
		case 'bigint':
		case 'integer':
			return z.int();
		case 'double precision':
		case 'real':
			return z.number();
		case 'boolean':
			return z.boolean();
		case 'numeric':
			return z.string().meta({ format: 'decimal' });
		case 'timestamptz':
			return z.date();
		case 'uuid':
			return z.string().meta({ format: 'uuid' });
		case 'text[]':
			return z.array(z.string());
		case 'regime_direction[]':
			return z.array(z.enum(enumerations.regime_direction));
		case 'jsonb':
			return z.unknown();
		default:
			return z.string();
	}
}

/** A query parameter that a column is compared with. */
export function filterSchema(type: ColumnType): z.ZodType {
	const base = baseType(type);
	if (isEnumeration(base)) return z.enum(enumerations[base]);
	switch (base) {
		case 'bigint':
		case 'integer':
			return idSchema;
		case 'boolean':
			return z.stringbool({ truthy: ['true'], falsy: ['false'] });
		case 'uuid':
			return z.guid();
		default:
			return lineSchema(100);
	}
}

/** A row's number in a path or a query. */
export const idSchema = z.coerce
	.number({ error: 'expected a whole number above 0' })
	.int({ error: 'expected a whole number above 0' })
	.min(1, { error: 'expected a whole number above 0' })
	.max(Number.MAX_SAFE_INTEGER);
export const idParams = z.strictObject({ id: idSchema });

export const uuidParams = z.strictObject({ id: z.guid() });

/** One line of text that the database can store. */
export function lineSchema(longest: number) {
	return (
		z
			.string()
			.trim()
			.min(1)
			.max(longest)
			// biome-ignore lint/suspicious/noControlCharactersInRegex: it is these that are refused
			.regex(/^[^\x00-\x1f\x7f]*$/, 'must be one line without control characters')
	);
}

/** Decimal text or a number, handed on as text. */
export const positiveDecimal = z
	.union([z.string().regex(/^\d{1,18}(\.\d{1,18})?$/, 'expected a decimal number'), z.number().positive().max(1e15)])
	.transform(String)
	.refine((text) => Number(text) > 0, 'must be above 0');

export const notNegativeDecimal = z
	.union([z.string().regex(/^\d{1,18}(\.\d{1,18})?$/, 'expected a decimal number'), z.number().min(0).max(1e15)])
	.transform(String);

export const pageQuery = {
	limit: z.coerce.number().int().min(1).max(500).default(100).meta({ description: 'Rows of a page' }),
	after: z.string().min(1).max(1_000).optional().meta({ description: '`next` of the page before' }),
};

/** What is known by a name rather than a number: exchanges, strategies. */
export const nameParams = z.strictObject({ id: lineSchema(50) });

/** Whether a bot asks before it enters. */
export const executionSchema = z.enum(enumerations.execution_mode).meta({
	description: 'AUTO sends entries at once, CONFIRM when a person has approved them; closes and stops never wait',
});
