/** Compares the typed wrappers with the functions that the database has, in both directions. */
import { readdir } from 'node:fs/promises';
import { definedFunctions, type FunctionDescription, snakeCase } from '../functions/define.ts';
import { internalFunctions } from '../functions/internal.ts';
import type { Pool } from '../pool.ts';

interface CatalogueFunction {
	readonly name: string;
	readonly source: string;
	readonly returns: string;
	readonly returns_set: boolean;
	readonly args: readonly { readonly name: string; readonly type: string; readonly optional: boolean }[];
	readonly columns: readonly { readonly name: string; readonly type: string }[];
}

/** What is wrong, one line each. */
export async function findFunctionDrift({ pool }: { pool: Pool }): Promise<string[]> {
	await loadWrappers();
	return compareFunctions(definedFunctions, internalFunctions, await readFunctions(pool));
}

/** A wrapper registers itself when its module is loaded. */
async function loadWrappers(): Promise<void> {
	const folder = new URL('../functions/', import.meta.url);
	for (const file of await readdir(folder)) {
		if (file.endsWith('.ts')) await import(new URL(file, folder).href);
	}
}

async function readFunctions(pool: Pool): Promise<CatalogueFunction[]> {
	const { rows } = await pool.query<CatalogueFunction>(`
		select p.proname::text as name, p.prosrc as source, format_type(p.prorettype, null) as returns, p.proretset as returns_set,
			coalesce((
				select jsonb_agg(jsonb_build_object(
					'name', p.proargnames[a.position],
					'type', format_type(a.type, null),
					'optional', a.position > p.pronargs - p.pronargdefaults
				) order by a.position)
				from unnest(p.proargtypes::oid[]) with ordinality a (type, position)
			), '[]') as args,
			coalesce((
				select jsonb_agg(jsonb_build_object('name', c.name, 'type', format_type(c.type, null)) order by c.position)
				from unnest(p.proallargtypes, p.proargmodes, p.proargnames) with ordinality c (type, mode, name, position)
				where c.mode in ('t', 'o')
			), '[]') as columns
		from pg_proc p
		where p.pronamespace = 'botbox'::regnamespace
		and p.prorettype <> 'trigger'::regtype
		and not exists (
			select
			from pg_depend d
			where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
		)
		order by p.proname`);
	return rows;
}

export function compareFunctions(
	wrappers: readonly FunctionDescription[],
	internal: readonly string[],
	present: readonly CatalogueFunction[],
): string[] {
	const problems: string[] = [];
	const byName = new Map(present.map((row) => [row.name, row]));
	const wrapped = new Set(wrappers.map(({ name }) => name));
	if (byName.size < present.length) problems.push('a function is overloaded: named arguments must tell it alone');
	if (wrapped.size < wrappers.length) problems.push('a function has two wrappers');
	for (const name of byName.keys()) {
		if (!wrapped.has(name) && !internal.includes(name)) problems.push(`${name} has no wrapper and is not internal`);
	}
	for (const name of internal) {
		if (wrapped.has(name)) problems.push(`${name} is listed as internal and has a wrapper`);
		if (!byName.has(name)) problems.push(`${name} is listed as internal and does not exist`);
		const isCalled = present.some((row) => row.name !== name && new RegExp(`\\b${name}\\(`).test(row.source));
		if (byName.has(name) && !isCalled) problems.push(`${name} is listed as internal and no function calls it`);
	}
	for (const wrapper of wrappers) {
		const found = byName.get(wrapper.name);
		if (found === undefined) problems.push(`${wrapper.name} has a wrapper and does not exist`);
		else problems.push(...compareFunction(wrapper, found));
	}
	return problems;
}

function compareFunction(wrapper: FunctionDescription, found: CatalogueFunction): string[] {
	const given = Object.entries(wrapper.args).map(([key, type]) => `p_${snakeCase(key)} ${type}`);
	const wanted = found.args.map(({ name, type, optional }) => `${name} ${shortName(type)}${optional ? '?' : ''}`);
	// Arguments are passed by name, so their order does not matter.
	const problems = difference(`${wrapper.name}: argument`, new Set(given), new Set(wanted));
	const returned = describeResult(wrapper);
	const returns = describeFound(found);
	return [...problems, ...difference(`${wrapper.name}: result`, new Set(returned), new Set(returns))];
}

function difference(what: string, wrapper: ReadonlySet<string>, catalogue: ReadonlySet<string>): string[] {
	const tooMany = [...wrapper].filter((item) => !catalogue.has(item));
	const missing = [...catalogue].filter((item) => !wrapper.has(item));
	return [
		...tooMany.map((item) => `${what} ${item} is in the wrapper only`),
		...missing.map((item) => `${what} ${item} is in the database only`),
	];
}

/** Whether a column may be null is not in the catalogue: the wrapper knows it, tests show it. */
function describeResult(wrapper: FunctionDescription): string[] {
	if (typeof wrapper.returns === 'string') return [wrapper.returns.replace('?', '')];
	return Object.entries(wrapper.returns).map(([key, type]) => `${snakeCase(key)} ${type.replace('?', '')}`);
}

function describeFound(found: CatalogueFunction): string[] {
	if (found.columns.length > 0) return found.columns.map(({ name, type }) => `${name} ${shortName(type)}`);
	// A set of single values comes as one column named after the function.
	return [found.returns_set ? `${found.name} ${shortName(found.returns)}` : shortName(found.returns)];
}

const shortName = (type: string): string => type.replace('timestamp with time zone', 'timestamptz');
