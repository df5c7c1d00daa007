/**
 * The database of a test file in this folder: emptied before each test.
 */
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import type { Pool } from '../../src/database/pool.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** `pool` of the file's database once its tests run. */
export function openBooks(): Pick<TestDatabase, 'pool' | 'url' | 'mayBreakLedger'> {
	let database: TestDatabase | undefined;
	const present = () => {
		if (database === undefined) throw new Error('the database is there only within tests');
		return database;
	};
	beforeAll(async () => {
		database = await createTestDatabase();
	});
	afterAll(() => present().drop());
	beforeEach(() => empty(present().pool));
	return {
		get pool() {
			return present().pool;
		},
		mayBreakLedger: () => present().mayBreakLedger(),
		get url() {
			return present().url;
		},
	};
}

/** Everything but what migrations seeded. */
export async function empty(pool: Pool): Promise<void> {
	await pool.query(`
		truncate botbox.accounts, botbox.instruments, botbox.candles, botbox.strategies, botbox.checks, botbox.check_hours, botbox.check_minutes, botbox.signals, botbox.ticks, botbox.alerts,
			botbox.workers, botbox.duties, botbox.api_tokens, botbox.audit_log, botbox.pauses, botbox.rate_limits,
			botbox.alert_channels cascade;
		update botbox.alert_rules set threshold = default_threshold, is_delivered = true, changed_at = null, changed_by = null;
		update botbox.circuit_breakers
		set state = 'CLOSED', consecutive_failures = 0, opened_at = null, probe_at = null, probed_by = null, held_by = null`);
}

/** The only row of a query. */
export async function one<R = Record<string, unknown>>(
	db: Pick<Pool, 'query'>,
	sql: string,
	values: unknown[] = [],
): Promise<R> {
	const { rows } = await db.query(sql, values);
	expect(rows).toHaveLength(1);
	return rows[0] as R;
}
