/** Small facts of the database that every process asks for. */
import { BotboxError } from '../errors.ts';
import type { Queryable } from './functions/define.ts';

/** The clock by which everything is decided, so that processes with drifting clocks agree. */
export async function databaseTime(db: Queryable): Promise<Date> {
	const result = await db.query<{ now: Date }>('select now() as now');
	return result.rows[0]?.now ?? new Date();
}

/** Six characters that tell the orders of this installation from those of any other. */
export async function installationId(db: Queryable): Promise<string> {
	const result = await db.query<{ installation_id: string }>('select installation_id from botbox.installation');
	const id = result.rows[0]?.installation_id;
	if (id === undefined) throw new BotboxError('SCHEMA_MISMATCH', 'the database is not migrated: run botbox migrate');
	return id;
}
