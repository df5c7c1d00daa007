/** The check that every process makes before it works: code and schema are of one version. */
import pg from 'pg';
import { BotboxError } from '../../errors.ts';
import { expectedFingerprint } from './sources.ts';

const absent = new Set(['42P01', '3F000', '42501']);

/** Throws SCHEMA_MISMATCH, with what to run, unless the database has the schema of this version of botbox. */
export async function requireMatchingSchema(pool: pg.Pool): Promise<void> {
	const [expected, found] = await Promise.all([expectedFingerprint(), recordedFingerprint(pool)]);
	if (found === expected) return;
	throw new BotboxError(
		'SCHEMA_MISMATCH',
		found === undefined
			? 'the database has no botbox schema yet: run botbox migrate'
			: 'the database schema is of another version of botbox: run botbox migrate with the version that you want to run',
		{ details: { expected, found } },
	);
}

async function recordedFingerprint(pool: pg.Pool): Promise<string | undefined> {
	try {
		const { rows } = await pool.query<{ schema_fingerprint: string | null }>(
			'select schema_fingerprint from botbox.installation',
		);
		return rows[0]?.schema_fingerprint ?? undefined;
	} catch (error) {
		// No such table or schema, or none that this user may see.
		if (error instanceof pg.DatabaseError && absent.has(error.code ?? '')) return undefined;
		throw error;
	}
}
