/** The role that workers and the API work as: it may call functions and use the job queue, and change no schema. */
import pg from 'pg';

/** `botbox_app` where it exists and the URL's user may take it on, otherwise undefined: the user's own rights. */
export async function applicationRole(url: string): Promise<'botbox_app' | undefined> {
	const client = new pg.Client({ connectionString: url, application_name: 'botbox', connectionTimeoutMillis: 10_000 });
	client.on('error', () => undefined);
	await client.connect();
	try {
		const result = await client.query<{ may: boolean }>(
			`select coalesce(bool_or(pg_has_role(current_user, oid, 'member')), false) as may from pg_roles where rolname = 'botbox_app'`,
		);
		return result.rows[0]?.may === true ? 'botbox_app' : undefined;
	} finally {
		await client.end();
	}
}
