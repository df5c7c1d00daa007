/**
 * Runs dbmate's binary on db/migrations. It takes no lock of its own, so the caller holds one. The URL travels in the
 * environment: a command line is shown to every user of the machine.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { resolveBinary } from 'dbmate';
import { BotboxError } from '../../errors.ts';
import { parseUrl } from '../pool.ts';

export const migrationsTable = 'botbox.schema_migrations';

/** Applies what is pending; returns the names of the files applied. */
export async function runDbmate(options: {
	url: string;
	directory: string;
	/** Whether our own connection to this server is encrypted. */
	encrypted: boolean;
	log: (line: string) => void;
}): Promise<string[]> {
	const applied: string[] = [];
	const failure: string[] = [];
	const code = await spawnLines(
		resolveBinary(),
		[
			...['--migrations-dir', join(options.directory, 'migrations')],
			...['--migrations-table', migrationsTable],
			...['--no-dump-schema', 'migrate'],
		],
		// Nothing else of our environment: DBMATE_* variables would change what it does.
		{ DATABASE_URL: dbmateUrl(options.url, options.encrypted), PATH: process.env.PATH ?? '' },
		options.directory,
		(line) => {
			const name = /^Applied: (\S+)/.exec(line)?.[1];
			if (name !== undefined) applied.push(name);
			if (/^(Applying|Applied): /.test(line)) options.log(line);
			else failure.push(line);
		},
	);
	if (code !== 0) {
		const reason = failure.join(' | ').replace(/^Error: /, '');
		throw new BotboxError('SCHEMA_MISMATCH', `migration failed: ${reason || `dbmate exited with ${code}`}`);
	}
	return applied;
}

/**
 * The same URL in the dialect of dbmate's driver, lib/pq: it wants encryption unless told otherwise, knows no
 * `no-verify`, and passes parameters that it does not know to the server, which refuses them.
 */
export function dbmateUrl(url: string, encrypted: boolean): string {
	const parsed = parseUrl(url);
	const mode = parsed.searchParams.get('sslmode');
	const kept = new Set(['sslcert', 'sslkey', 'sslrootcert', 'host', 'port', 'connect_timeout', 'options']);
	for (const name of [...parsed.searchParams.keys()]) if (!kept.has(name)) parsed.searchParams.delete(name);
	parsed.searchParams.set('sslmode', encrypted ? libpqMode(mode) : 'disable');
	// Unqualified names in migrations are ours first; extensions live in public.
	parsed.searchParams.set('search_path', 'botbox,public');
	parsed.searchParams.set('application_name', 'botbox migrate');
	parsed.search = parsed.search.replaceAll('+', '%20');
	return parsed.href;
}

function libpqMode(mode: string | null): string {
	return mode === 'verify-ca' || mode === 'verify-full' ? mode : 'require';
}

function spawnLines(
	program: string,
	args: readonly string[],
	env: Readonly<Record<string, string>>,
	cwd: string,
	onLine: (line: string) => void,
): Promise<number> {
	return new Promise((resolve, reject) => {
		const child = spawn(program, args, { cwd, env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
		for (const stream of [child.stdout, child.stderr]) {
			let rest = '';
			stream.setEncoding('utf8');
			stream.on('data', (chunk: string) => {
				const lines = (rest + chunk).split('\n');
				rest = lines.pop() ?? '';
				for (const line of lines) if (line.trim() !== '') onLine(line.trim());
			});
			stream.on('end', () => {
				if (rest.trim() !== '') onLine(rest.trim());
			});
		}
		child.on('error', reject);
		child.on('close', (code) => resolve(code ?? 1));
	});
}
