/** `botbox limits …`: the published limits that all workers keep to, shown and changed. */
import { type Command, Option } from 'commander';
import { setRateLimit } from '../../database/functions/guards.ts';
import { listView } from '../../database/listing.ts';
import { BotboxError } from '../../errors.ts';
import { positiveDecimal, positiveInteger } from '../arguments.ts';
import { printJson, printTable } from '../output.ts';
import { actor, withDatabase } from '../session.ts';

interface SetOptions {
	readonly scope: 'IP' | 'ACCOUNT';
	readonly bucket: string;
	readonly window: number;
	readonly limit: string;
}

export function registerLimits(program: Command): void {
	const limits = program.command('limits').description("list and change the exchanges' published limits");

	limits
		.command('list')
		.description('list the published limits, of which botbox uses at most 80%')
		.option('--exchange <exchange>', 'only of this exchange')
		.option('--json', 'print as JSON')
		.action(async (options: { exchange?: string; json?: boolean }) => {
			await withDatabase(async (pool) => {
				const where = options.exchange === undefined ? {} : { exchange_id: options.exchange };
				// Stable, so that what is equal in the first column stays in the order of the second.
				const rows = (await listView(pool, 'rate_limits', { where, orderBy: 'bucket' })).toSorted((left, right) =>
					String(left.exchange_id).localeCompare(String(right.exchange_id)),
				);
				if (rows.length === 0 && options.exchange !== undefined)
					throw new BotboxError('NOT_FOUND', `there are no limits of an exchange ${options.exchange}`);
				if (options.json) printJson(rows);
				else
					printTable(rows, [
						'exchange_id',
						'scope',
						'bucket',
						'window_ms',
						'published_limit',
						'capacity',
						'refill_per_second',
						'pace',
						'denied',
						'blocked_until',
					]);
			});
		});

	limits
		.command('set <exchange>')
		.description('change a published limit, for all workers at once')
		.addOption(new Option('--scope <scope>', 'whose limit it is').choices(['IP', 'ACCOUNT']).makeOptionMandatory())
		.requiredOption('--bucket <bucket>', 'which kind of call, as limits list shows it')
		.requiredOption('--window <ms>', 'length of its window in milliseconds', positiveInteger)
		.requiredOption('--limit <number>', 'what the exchange allows in a window', positiveDecimal)
		.action(async (exchange: string, { scope, bucket, window, limit }: SetOptions) => {
			await withDatabase(async (pool) => {
				const before = await setRateLimit(pool, {
					exchangeId: exchange,
					scope,
					bucket,
					windowMs: window,
					publishedLimit: limit,
					actor: actor(),
				});
				if (before === null)
					throw new BotboxError(
						'NOT_FOUND',
						`${exchange} has no limit ${scope} ${bucket} with a window of ${window} ms`,
					);
				process.stdout.write(
					`${exchange} ${scope} ${bucket}: ${limit} in ${window} ms, it was ${before}; 80% of it are used\n`,
				);
			});
		});
}
