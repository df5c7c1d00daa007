/**
 * Who may do what. Two group roles without login, for the operator to grant to users of his own:
 *
 * - botbox_app calls functions, reads tables and views, uses pg-boss's tables; it changes no table of botbox directly
 *   and no schema at all. Functions write on its behalf: all but the immutable ones are `security definer` with a
 *   fixed search_path. Immutable functions touch no table, and both settings would stop PostgreSQL from inlining them:
 *   those of SQL have a body whose names are bound when it is made.
 * - botbox_readonly selects from schema reporting and nothing else.
 *
 * PUBLIC has no rights in any of the three schemas.
 */
import type { Client } from 'pg';
import { jobSchema } from './job-queues.ts';

export const roles = ['botbox_app', 'botbox_readonly'] as const;

/** The roles that are missing and cannot be created by this user. */
export async function createRoles(client: Client): Promise<string[]> {
	const missing: string[] = [];
	const { rows } = await client.query<{ may: boolean }>(
		'select rolsuper or rolcreaterole as may from pg_roles where rolname = current_user',
	);
	for (const role of roles) {
		const found = await client.query('select from pg_roles where rolname = $1', [role]);
		if (found.rowCount !== 0) continue;
		if (rows[0]?.may !== true) {
			missing.push(role);
			continue;
		}
		// Roles belong to the whole server: a migration of another database may create the same one right now.
		await client.query('savepoint create_role');
		try {
			await client.query(`create role ${role} nologin`);
			await client.query('release savepoint create_role');
		} catch (error) {
			await client.query('rollback to savepoint create_role');
			if (!isDuplicate(error)) throw error;
		}
	}
	return missing;
}

function isDuplicate(error: unknown): boolean {
	// duplicate_object, or unique_violation of pg_authid when both were at it in the same moment
	return error instanceof Error && 'code' in error && (error.code === '42710' || error.code === '23505');
}

const hardenFunctions = `
do $do$
declare
	v_function record;
begin
	for v_function in
		select
			p.oid::regprocedure as signature,
			exists (select from unnest(p.proconfig) setting where setting like 'search_path=%') as has_search_path,
			p.prosecdef
		from pg_proc p
		where p.pronamespace = 'botbox'::regnamespace
		and p.prokind in ('f', 'p')
		and p.provolatile <> 'i'
		and not exists (
			select
			from pg_depend d
			where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
		)
	loop
		if not v_function.prosecdef then
			execute format('alter routine %s security definer', v_function.signature);
		end if;
		if not v_function.has_search_path then
			execute format('alter routine %s set search_path = botbox, pg_temp', v_function.signature);
		end if;
	end loop;
end
$do$`;

export async function applyGrants(client: Client, missingRoles: readonly string[]): Promise<void> {
	await client.query(hardenFunctions);
	const schemas = `botbox, reporting, ${jobSchema}`;
	await client.query(`
		create schema if not exists reporting;
		revoke all on schema ${schemas} from public;
		revoke all on all tables in schema ${schemas} from public;
		revoke all on all routines in schema ${schemas} from public;
	`);
	if (!missingRoles.includes('botbox_app')) {
		await client.query(`
			revoke all on all tables in schema botbox, reporting from botbox_app;
			grant usage on schema ${schemas} to botbox_app;
			grant execute on all routines in schema ${schemas} to botbox_app;
			grant select on all tables in schema botbox, reporting to botbox_app;
			grant select, insert, update, delete on all tables in schema ${jobSchema} to botbox_app;
			grant usage on all sequences in schema ${jobSchema} to botbox_app;
		`);
	}
	if (!missingRoles.includes('botbox_readonly')) {
		await client.query(`
			revoke all on all tables in schema ${schemas} from botbox_readonly;
			revoke all on all routines in schema ${schemas} from botbox_readonly;
			revoke all on schema ${jobSchema} from botbox_readonly;
			-- Of schema botbox it may know the names, nothing more: TimescaleDB looks up by the reader's rights how candles are partitioned.
			grant usage on schema botbox, reporting to botbox_readonly;
			grant select on all tables in schema reporting to botbox_readonly;
		`);
	}
}
