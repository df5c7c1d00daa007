/** The score of the last checks, or one of its factors, as a curve against the thresholds that decide. */
import { useMemo, useState } from 'react';
import { useStrategyVersions } from '../api/queries.ts';
import type { Bot, Check } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';
import { minuteTime } from '../format/times.ts';
import { words } from '../format/words.ts';
import { Select } from '../parts/choice.tsx';
import { LineChart } from '../parts/line-chart.tsx';
import { Empty, Panel } from '../parts/panel.tsx';
import { readFactors } from './check-details.tsx';

interface ScorePanelProps {
	readonly bot: Bot;
	/** Newest first. */
	readonly checks: readonly Check[];
}

export function ScorePanel({ bot, checks }: ScorePanelProps) {
	/** Name of a factor; empty: the score. */
	const [shown, setShown] = useState('');
	const threshold = useEntryThreshold(bot);
	const names = useMemo(
		() => [...new Set(checks.flatMap(({ factors }) => readFactors(factors).map(({ name }) => name)))].toSorted(),
		[checks],
	);
	const points = useMemo(
		() =>
			checks
				.flatMap((check) => {
					const value =
						shown === '' ? check.score : readFactors(check.factors).find(({ name }) => name === shown)?.score;
					return value === null || value === undefined ? [] : [{ x: Date.parse(check.due_at), y: value }];
				})
				.toSorted((a, b) => a.x - b.x),
		[checks, shown],
	);
	const last = points.at(-1);
	const title = shown === '' ? 'Score' : words(shown);
	return (
		<Panel
			title="Score and factors"
			note={
				last === undefined
					? undefined
					: `${title} ${numbers.score(last.y)}, ${numbers.count(points.length)} ${points.length === 1 ? 'check' : 'checks'}`
			}
			tools={
				names.length === 0 ? null : (
					<Select
						legend="Figure"
						options={[['', 'Score'], ...names.map((name) => [name, words(name)] as const)]}
						value={names.includes(shown) ? shown : ''}
						onChange={setShown}
					/>
				)
			}
		>
			{points.length < 2 ? (
				<Empty>The curve begins with the second check that has a score.</Empty>
			) : (
				<LineChart
					label={`${title} of the last ${points.length} checks`}
					points={points}
					marks={shown === '' && threshold !== null ? [threshold, 0, -threshold] : [0]}
					valueText={numbers.score}
					timeText={minuteTime}
				/>
			)}
		</Panel>
	);
}

/** At which score the bot's version enters; null where its strategy has no such parameter. */
function useEntryThreshold({ strategy_version_id: id }: Bot): number | null {
	const version = useStrategyVersions().data?.items.find((each) => each.strategy_version_id === id);
	const parameters: unknown = version?.parameters;
	if (typeof parameters !== 'object' || parameters === null || !('entry_threshold' in parameters)) return null;
	return typeof parameters.entry_threshold === 'number' ? parameters.entry_threshold : null;
}
