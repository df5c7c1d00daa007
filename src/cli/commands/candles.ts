/** `botbox candles …`: backfill, import, gaps, forget. */
import type { Command } from 'commander';
import { releaseMinutes } from '../../database/functions/history.ts';
import type { Timeframe } from '../../domain.ts';
import { moment, positiveDecimal, positiveInteger, timeframe } from '../arguments.ts';
import { backfill, defaultDays } from '../backfill.ts';
import { listGaps } from '../candle-gaps.ts';
import { importFile } from '../import-file.ts';
import { findInstrument, parseInstrument } from '../instruments.ts';
import { printJson, printTable } from '../output.ts';
import { actor, withDatabase } from '../session.ts';

const instrumentHelp = 'instrument, by number or as exchange:symbol, such as sim:BTC/USDT:USDT';

export function registerCandles(program: Command): void {
	const candles = program.command('candles').description('backfill, import and examine candles');

	candles
		.command('backfill')
		.description('fetch history of an instrument from its exchange; goes on where it was stopped')
		.option('--exchange <exchange>', 'exchange of the symbol')
		.option('--symbol <symbol>', 'instrument, such as BTC/USDT:USDT or BTCUSDT')
		.option('--instrument <instrument>', instrumentHelp)
		.requiredOption('--timeframe <timeframe>', "the exchange's own candles of 1m, 5m, 15m, 1h, 4h or 1d", timeframe)
		.option('--from <time>', 'from this time on, ISO 8601', moment)
		.option('--days <number>', `so many days back; ${defaultDays} by default`, positiveInteger)
		.option('--to <time>', 'up to this time; to the present by default', moment)
		.option('--again', 'fetch again what was fetched before')
		.option('--json', 'print the summary as JSON')
		.action(backfill);

	candles
		.command('import <file>')
		.description('read candles of a CSV file with the columns timestamp,open,high,low,close,volume')
		.requiredOption('--instrument <instrument>', instrumentHelp)
		.requiredOption('--timeframe <timeframe>', 'length of its candles: 1m, 5m, 15m, 1h, 4h or 1d', timeframe)
		.option('--create', 'make the instrument if there is none: for recorded markets that no exchange lists')
		.option(
			'--tick-size <price>',
			'smallest step of its prices, with --create; by default as the file has them',
			positiveDecimal,
		)
		.option(
			'--lot-size <quantity>',
			'smallest step of its quantities, with --create; by default as the file has them',
			positiveDecimal,
		)
		.option('--json', 'print the summary as JSON')
		.action(importFile);

	candles
		.command('gaps')
		.description('list the gaps between stored candles')
		.option('--instrument <instrument>', instrumentHelp)
		.option('--timeframe <timeframe>', 'only of this timeframe', timeframe)
		.option('--json', 'print as JSON')
		.action(async (options: { instrument?: string; timeframe?: Timeframe; json?: boolean }) => {
			await withDatabase(async (pool) => {
				const rows = await listGaps(pool, options);
				if (options.json) printJson(rows);
				else printTable(rows, ['exchange_id', 'symbol', 'timeframe', 'gap_from', 'gap_to', 'missing', 'state']);
			});
		});

	candles
		.command('forget')
		.description('let backfilled and imported minutes of an instrument go with age, as others do')
		.requiredOption('--instrument <instrument>', instrumentHelp)
		.action(async (options: { instrument: string }) => {
			await withDatabase(async (pool) => {
				const instrument = await findInstrument(pool, parseInstrument(options.instrument));
				const released = await releaseMinutes(pool, { instrumentId: Number(instrument.instrument_id), actor: actor() });
				process.stdout.write(
					released > 0
						? `minutes of ${instrument.symbol} live as long as others from now on\n`
						: `${instrument.symbol} has no backfilled or imported minutes\n`,
				);
			});
		});
}
