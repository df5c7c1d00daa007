/**
 * The list of views in docs/reporting.md, from the comments in the database: `npm run generate` writes it, a test compares it. What
 * stands before the marker is written by hand.
 */
import type { Pool } from '../pool.ts';

export const marker = '<!-- From here on written by `npm run generate`, from the comments in the database. -->';

/** A section for each view of schema reporting: its comment, which names its grain, and a table of its columns. */
export async function describeViews(pool: Pool): Promise<string> {
	const { rows } = await pool.query<{ view: string; about: string; columns: [string, string, string][] }>(`
		select c.relname::text as view, obj_description(c.oid, 'pg_class') as about,
		       jsonb_agg(jsonb_build_array(a.attname, format_type(a.atttypid, a.atttypmod), col_description(c.oid, a.attnum)) order by a.attnum) as columns
		  from pg_class c
		  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		 where c.relnamespace = 'reporting'::regnamespace
		   and c.relkind = 'v'
		 group by c.oid, c.relname
		 order by c.relname`);
	return rows.map(({ view, about, columns }) => section(view, about, columns)).join('\n');
}

/** The document with its list of views replaced. */
export function withViews(document: string, views: string): string {
	const end = document.indexOf(marker);
	if (end === -1) throw new Error('docs/reporting.md has lost its marker');
	return `${document.slice(0, end)}${marker}\n\n${views}`;
}

function section(view: string, about: string, columns: readonly [string, string, string][]): string {
	const lines = columns.map(
		([name, type, meaning]) => `| \`${name}\` | ${plain(type)} | ${meaning.replaceAll('|', '\\|')} |`,
	);
	return `### \`${view}\`\n\n${about}\n\n| column | type | meaning |\n|---|---|---|\n${lines.join('\n')}\n`;
}

/** As a BI tool shows it: enumerations are text. */
function plain(type: string): string {
	if (type === 'timestamp with time zone') return 'timestamptz';
	if (/^(botbox\.)?(amount|price|quantity)$/.test(type)) return 'numeric';
	return type.replace(/^botbox\./, '');
}
