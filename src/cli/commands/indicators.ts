/** `botbox indicators`: the series of indicators over a file of candles, as CSV. */
import { once } from 'node:events';
import type { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import { createIndicatorStream, mainOutput } from '../../market/indicators/indicator.ts';
import { parseIndicatorSpec } from '../../market/indicators/parse.ts';
import type { IndicatorSpec } from '../../strategies/strategy.ts';
import { readCandleFile } from '../candle-file.ts';

export function registerIndicators(program: Command): void {
	program
		.command('indicators <file>')
		.description('print the series of indicators over the candles of a CSV file, as CSV')
		.requiredOption('--of <list>', 'indicators with their parameters, such as rsi:14,macd:12:26:9', parseList)
		.action(async (path: string, { of }: { of: readonly Wanted[] }) => {
			const needsVolume = of.find(({ spec }) => ofVolume.has(spec.name));
			const file = await readCandleFile(path, { needsVolume: needsVolume !== undefined });
			if (needsVolume !== undefined && !file.hasVolume)
				throw new Error(`${path} has no volume column, which ${needsVolume.text} needs`);
			const series = of.map(toSeries);
			let lines = [[file.timeColumn, ...series.flatMap(({ headers }) => headers)].join(',')];
			for (const [index, candle] of file.candles.entries()) {
				const fields = [file.times[index] ?? ''];
				for (const { stream, order } of series) {
					stream.add(candle);
					const values = stream.values();
					for (const output of order) fields.push(formatValue(values[output]));
				}
				lines.push(fields.join(','));
				if (lines.length >= linesAtOnce) {
					await print(lines);
					lines = [];
				}
			}
			await print(lines);
		});
}

interface Wanted {
	/** As it was written. */
	readonly text: string;
	readonly spec: IndicatorSpec;
}

const ofVolume: ReadonlySet<IndicatorSpec['name']> = new Set(['obv', 'vwap', 'volume_zscore']);
const linesAtOnce = 2_000;

function parseList(list: string): readonly Wanted[] {
	const wanted = list.split(',').map((item) => ({ text: item.trim(), spec: parseIndicatorSpec(item) }));
	const texts = wanted.map(({ text }) => text);
	const repeated = texts.find((text, index) => texts.indexOf(text) !== index);
	if (repeated !== undefined) throw new UsageError(`${repeated} is asked for twice`);
	return wanted;
}

/** A running state, the order in which its outputs are printed, and their headers: the main one bears the indicator's name. */
function toSeries({ text, spec }: Wanted) {
	const stream = createIndicatorStream(spec);
	const main = stream.outputs.indexOf(mainOutput(spec));
	const order = [main, ...Array.from(stream.outputs.keys()).filter((output) => output !== main)];
	const headers = order.map((output) => (output === main ? text : `${text}.${stream.outputs[output]}`));
	return { stream, order, headers };
}

/** Every digit that the double has; nothing where it is undefined. */
function formatValue(value: number | undefined): string {
	return value === undefined || !Number.isFinite(value) ? '' : String(value);
}

async function print(lines: readonly string[]): Promise<void> {
	if (lines.length === 0) return;
	// Waits for a slow reader instead of holding all lines in memory.
	if (!process.stdout.write(`${lines.join('\n')}\n`)) await once(process.stdout, 'drain');
}
