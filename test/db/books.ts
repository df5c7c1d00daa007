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

/** Everything but what migrations seeded: what a row of these tables needs, and what needs it. */
const filled = [
	...[
		'accounts',
		'instruments',
		'candles',
		'strategies',
		'checks',
		'check_hours',
		'check_minutes',
		'signals',
		'ticks',
		'alerts',
	],
	...['workers', 'duties', 'api_tokens', 'audit_log', 'pauses', 'rate_limits', 'alert_channels'],
].join();

/**
 * By deleting, since a test leaves a few rows: to truncate makes new files of some forty tables and their indexes, half a second a test
 * against a hundredth. A hypertable is truncated all the same, or its empty chunks would stay.
 */
export async function empty(pool: Pool): Promise<void> {
	await pool.query(`
		do $$
		declare
			v_table record;
		begin
			-- Without triggers: of foreign keys, since all of them are emptied, and of those that forbid it.
			perform set_config('session_replication_role', 'replica', true);
			for v_table in
				with recursive reached as (
					select format('botbox.%I', n.name)::regclass::oid as id from regexp_split_to_table('${filled}', ',') as n (name)
					union
					select c.conrelid from reached r join pg_constraint c on c.confrelid = r.id and c.contype = 'f'
				)
				select r.id::regclass::text as name, botbox.is_hypertable(p_table => c.relname::text) as is_hypertable from reached r join pg_class c on c.oid = r.id
			loop
				execute format(case when v_table.is_hypertable then 'truncate %s' else 'delete from %s' end, v_table.name);
			end loop;
		end
		$$;
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
