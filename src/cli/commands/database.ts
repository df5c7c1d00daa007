/** Commands about the database: migrate, db url, doctor. */
import type { Command } from 'commander';
import { migrate } from '../../database/migrate/migrate.ts';
import { printJson } from '../output.ts';
import { readEnvironment, requireDatabase, withDatabaseUrl } from '../session.ts';

export function registerDatabase(program: Command): void {
	program
		.command('migrate')
		.description('bring the database to this version: tables, functions, grants, queues; safe to repeat')
		.option('--json', 'print what was done as JSON')
		.action(async (options: { json?: boolean }) => {
			await withDatabaseUrl(readEnvironment(), async (url) => {
				const report = await migrate({ url });
				if (options.json) printJson(report);
				else if (report.changed)
					process.stdout.write(`applied ${report.migrations.length} migrations and ${report.functions} functions\n`);
				else process.stdout.write('nothing to do\n');
			});
		});

	program
		.command('db')
		.description('about the database')
		.command('url')
		.description('print the address of the database, password included')
		.action(async () => {
			const config = readEnvironment();
			requireDatabase(config);
			await withDatabaseUrl(config, async (url) => {
				process.stdout.write(`${url}\n`);
			});
		});

	program
		.command('doctor')
		.description(
			'check database, licence, schema, clocks, disk, connections, workers, exchanges and keys, and say how to mend what is wrong',
		)
		.option('--json', 'print the findings as JSON')
		.action(async (options: { json?: boolean }) => {
			const { examine } = await import('../doctor.ts');
			const findings = await examine(readEnvironment());
			if (options.json) printJson(findings);
			else {
				for (const { name, ok, says, mend } of findings) {
					process.stdout.write(
						`${ok ? 'ok    ' : 'WRONG '} ${name}: ${says}${ok || mend === undefined ? '' : `\n       ${mend}`}\n`,
					);
				}
			}
			if (findings.some(({ ok }) => !ok)) process.exitCode = 1;
		});
}
