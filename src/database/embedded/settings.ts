/**
 * postgresql.conf and pg_hba.conf of the embedded server, written anew at every start so that an upgrade of botbox
 * brings its settings along. An operator's own settings go into `operator.conf` beside it, which is read last.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const shipped: Readonly<Record<string, string>> = {
	// Only this machine, and no Unix socket: it would need a folder that every user of the machine can reach.
	listen_addresses: '127.0.0.1',
	unix_socket_directories: '',
	password_encryption: 'scram-sha-256',
	max_connections: '200',

	// Money is recorded here: these three are never traded for speed. Only record_checks turns synchronous_commit off
	// for its own transaction, when the batch queues nothing and would repeat itself.
	fsync: 'on',
	full_page_writes: 'on',
	synchronous_commit: 'on',

	shared_buffers: '256MB',
	work_mem: '16MB',
	maintenance_work_mem: '128MB',
	effective_cache_size: '1GB',
	max_wal_size: '2GB',
	min_wal_size: '256MB',
	checkpoint_completion_target: '0.9',
	wal_compression: 'on',
	random_page_cost: '1.1',
	// Compiling a plan costs more than any of our statements takes.
	jit: 'off',
	max_locks_per_transaction: '256',

	// The queues are updated constantly: vacuum early, so that dead rows never pile up between two cycles.
	autovacuum_naptime: '15s',
	autovacuum_vacuum_scale_factor: '0.05',
	autovacuum_vacuum_insert_scale_factor: '0.1',
	autovacuum_analyze_scale_factor: '0.05',

	timezone: 'UTC',
	log_timezone: 'UTC',
	lc_messages: 'C',
	datestyle: 'iso, ymd',

	// One file a weekday, each at most one day old and 10 MB long.
	logging_collector: 'on',
	log_directory: 'log',
	log_filename: 'postgresql-%a.log',
	log_truncate_on_rotation: 'on',
	log_rotation_age: '1d',
	log_rotation_size: '10MB',
	log_line_prefix: '%m [%p] %a ',
	log_min_duration_statement: '5s',
	log_lock_waits: 'on',
	log_checkpoints: 'off',
};

const accessRules = `# Written by botbox at every start.
# type  database  user  address        method
host    all       all   127.0.0.1/32   scram-sha-256
`;

export async function writeSettings(
	pgdata: string,
	port: number,
	settings: Readonly<Record<string, string>>,
): Promise<void> {
	const all = { ...shipped, ...settings, port: String(port) };
	const lines = Object.entries(all).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
	const text = [
		'# Written by botbox at every start; put settings of your own into operator.conf beside this file.',
		...lines,
		"include_if_exists 'operator.conf'",
		'',
	].join('\n');
	// Written through the existing files of initdb, so that they keep their owner and mode.
	await writeFile(join(pgdata, 'postgresql.conf'), text);
	await writeFile(join(pgdata, 'pg_hba.conf'), accessRules);
}
