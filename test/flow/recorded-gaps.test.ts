/** Trading on recorded markets with holes in them: what is stored is what was recorded, and every hole is listed as one. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { createAccount, createBot } from '../../src/database/functions/administration.ts';
import { checkLedger } from '../../src/database/functions/guards.ts';
import { findInstruments } from '../../src/database/functions/market.ts';
import { regimeDirections, type Timeframe, timeframeMs } from '../../src/domain.ts';
import { backfillCandles } from '../../src/market/backfill.ts';
import { ensureStrategyVersion } from '../../src/market/strategy-versions.ts';
import { type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

const folder = fileURLToPath(new URL('../../../shared/data/candles/', import.meta.url));
if (!existsSync(folder)) console.log(`skipped: no recorded candles in ${folder}`);

let system: SimulatedSystem;
afterEach(() => system.close());

interface Candle {
	readonly time: number;
	/** Open, high, low, close and volume, as numbers. */
	readonly figures: string;
}

/** Exchanges quote eight digits at most; the files hold what floats made of them. */
const figuresOf = (values: readonly string[]): string => values.map((value) => Number(value).toFixed(8)).join(' ');

function readFile(file: string): Candle[] {
	const lines = readFileSync(file, 'utf8').trim().split('\n').slice(1);
	return lines.map((line) => {
		const [time, ...values] = line.split(',');
		return { time: Number.isNaN(Number(time)) ? Date.parse(time!) : Number(time), figures: figuresOf(values) };
	});
}

/** By how much the recording was moved to the present: the one distance at which the stored candles are found in the file. */
function distanceOf(stored: readonly Candle[], recorded: readonly Candle[]): number {
	const some = stored.slice(-40);
	const byTime = new Map(recorded.map(({ time, figures }) => [time, figures]));
	const last = some.at(-1)!;
	const distances = recorded.filter(({ figures }) => figures === last.figures).map(({ time }) => last.time - time);
	const fitting = distances.filter((distance) => {
		return some.every(({ time, figures }) => byTime.get(time - distance) === figures);
	});
	expect(fitting).toHaveLength(1);
	return fitting[0]!;
}

test.skipIf(!existsSync(folder)).each([
	['ADA-BTC', '5m'],
	['UNITTEST-BTC', '1m'],
] as const)(
	'%s of %s trades, and no candle is invented',
	async (market, timeframe: Timeframe) => {
		const file = `${folder}${market}_${timeframe}.csv`;
		system = await startSimulatedSystem({ simulator: { marketFile: file } });
		const { pool } = system.database;
		const accountId = await createAccount(pool, {
			name: 'paper',
			exchangeId: 'sim',
			settleAsset: 'BTC',
			mode: 'PAPER',
			capital: 10,
			now: system.now(),
		});
		const [instrument] = await findInstruments(pool, { exchangeId: 'sim' });
		for (const strategy of ['mean_reversion', 'trend_following']) {
			await createBot(pool, {
				name: strategy,
				strategyVersionId: await ensureStrategyVersion(pool, strategy, {
					timeframe,
					entry_threshold: 0.05,
					exit_threshold: 0,
					favourable_regimes: [...regimeDirections],
				}),
				accountId,
				instrumentId: instrument!.id,
				intervalMinutes: 5,
				sizing: 'FIXED_NOTIONAL',
				sizingValue: 0.5,
				isDueAtOnce: true,
				now: system.now(),
			});
		}
		// The present falls at three quarters of the recording: most of its past, with holes.
		const slots = Math.floor(((readFile(file).at(-1)!.time - readFile(file)[0]!.time) / timeframeMs[timeframe]) * 0.74);
		const backfill = await backfillCandles(pool, await system.context.venues.marketData('sim'), {
			instrumentId: instrument!.id,
			symbol: instrument!.symbol,
			timeframe,
			from: new Date(system.now().getTime() - slots * timeframeMs[timeframe]),
			to: system.now(),
			now: system.now(),
		});
		expect(backfill.isComplete).toBe(true);
		for (let minute = 0; minute < 240; minute++) await system.minute({ housekeepingEvery: 5 });

		const { rows: positions } = await pool.query(`select from botbox.positions where status = 'CLOSED'`);
		expect(positions.length).toBeGreaterThan(0);
		expect(await checkLedger(pool, {})).toEqual([]);

		const { rows } = await pool.query<Record<string, string>>(
			`select extract(epoch from open_at) * 1000 as time, open, high, low, close, volume
		   from botbox.candles where timeframe = $1 order by open_at`,
			[timeframe],
		);
		const stored = rows.map(({ time, open, high, low, close, volume }) => {
			return { time: Number(time), figures: figuresOf([open!, high!, low!, close!, volume!]) };
		});
		expect(stored.length).toBeGreaterThan(400);
		const recorded = readFile(file);
		const distance = distanceOf(stored, recorded);
		const recordedFigures = new Map(recorded.map(({ time, figures }) => [time + distance, figures]));
		expect(stored.filter(({ time, figures }) => recordedFigures.get(time) !== figures)).toEqual([]);

		// Every slot between the first and the last candle that the recording does not have is in a listed gap, and no other.
		const missing: number[] = [];
		for (let time = stored[0]!.time; time < stored.at(-1)!.time; time += timeframeMs[timeframe])
			if (!recordedFigures.has(time)) missing.push(time);
		const { rows: gaps } = await pool.query<{ gap_from: Date; gap_to: Date }>(
			`select gap_from, gap_to from reporting.candle_gaps where timeframe = $1 order by gap_from`,
			[timeframe],
		);
		const listed = gaps.flatMap(({ gap_from, gap_to }) => {
			const length = timeframeMs[timeframe];
			const slots = Math.round((gap_to.getTime() - gap_from.getTime()) / length);
			return Array.from({ length: slots }, (_, index) => gap_from.getTime() + index * length);
		});
		expect(missing.length).toBeGreaterThanOrEqual(40);
		expect(listed).toEqual(missing);
		if (process.env.BOTBOX_TEST_LOG) console.log(market, stored.length, missing.length, positions.length);
	},
	180_000,
);
