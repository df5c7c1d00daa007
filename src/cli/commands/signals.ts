/** `botbox signals …`: explain what was decided, from what was recorded, and by evaluating it once more. */
import type { Command } from 'commander';
import { listView, type ViewRow } from '../../database/listing.ts';
import { BotboxError } from '../../errors.ts';
import { type ReEvaluation, reEvaluateSignal } from '../../market/re-evaluate.ts';
import { positiveInteger } from '../arguments.ts';
import { withCatalogue } from '../catalogue.ts';
import { printFactors, regimeOf } from '../manual-check.ts';
import { type Cell, printFacts, printJson } from '../output.ts';
import { describeRegime, findRegime } from '../regimes.ts';
import { withDatabase } from '../session.ts';

export function registerSignals(program: Command): void {
	program
		.command('signals')
		.description('about signals')
		.command('explain')
		.argument('<id>', 'number of the signal', positiveInteger)
		.description('show which factor said what and why the signal was accepted or rejected, and evaluate it once more')
		.option('--json', 'print as JSON')
		.action(async (id: number, options: { json?: boolean }) => {
			await withDatabase(async (pool, config) => {
				const [signal] = await listView(pool, 'signals', { where: { signal_id: id }, limit: 1 });
				if (signal === undefined) throw new BotboxError('NOT_FOUND', `there is no signal ${id}`);
				const regime = await findRegime(pool, signal, signal.candle_at as Date);
				const reEvaluation = await withCatalogue(config, ({ elsewhere }) => reEvaluateSignal(pool, id, elsewhere));
				if (options.json) return printJson({ ...signal, regime, reEvaluation });
				const { factors, details, reason_code, reason, regime_direction: _d, regime_volatility: _v, ...facts } = signal;
				printFacts({
					...facts,
					regime: describeRegime(regimeOf(signal, regime)),
					reason: `${reason_code}: ${reason}`,
					details: JSON.stringify(details),
				});
				printFactors(factors);
				printReEvaluation(signal, reEvaluation);
			});
		});
}

function printReEvaluation(signal: ViewRow, found: ReEvaluation): void {
	process.stdout.write('\nEvaluated again from the stored candles\n');
	const recorded = signal.factors as unknown as
		| readonly { readonly name: string; readonly score: number | null }[]
		| null;
	const differing = found.differingFactors.map((name) => {
		const before = recorded?.find((factor) => factor.name === name)?.score;
		return `${name} ${exact(before)} -> ${exact(found.factors.find((factor) => factor.name === name)?.score)}`;
	});
	printFacts({
		recorded_score: exact(found.recordedScore),
		score_now: exact(found.score),
		equal: found.isEqual ? 'yes, to 1e-9' : found.score === null ? 'cannot be said' : `no: ${exact(found.difference)}`,
		...(differing.length === 0 ? {} : { factors_that_differ: differing.join(', ') }),
		...(found.missing.length === 0 ? {} : { missing: found.missing.join('; ') }),
		...(found.lateCandles.length === 0 ? {} : { candles_stored_or_corrected_since: describeLate(found.lateCandles) }),
	});
}

/** All digits: the point is whether they are the same. */
function exact(figure: number | null | undefined): Cell {
	return figure === null || figure === undefined ? null : String(figure);
}

const named = 3;

function describeLate(candles: ReEvaluation['lateCandles']): string {
	const first = candles.slice(0, named).map(({ timeframe, openAt, recordedAt }) => {
		return `${timeframe} of ${openAt.toISOString()} at ${recordedAt.toISOString()}`;
	});
	const rest = candles.length > named ? ` and ${candles.length - named} more` : '';
	return `${candles.length}: ${first.join(', ')}${rest}`;
}
