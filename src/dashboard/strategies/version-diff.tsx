/** Two versions of a strategy side by side: what was changed between them. */
import { useState } from 'react';
import type { StrategyPerformance, StrategyVersion } from '../api/rows.ts';
import { words } from '../format/words.ts';
import { Choice, Select } from '../parts/choice.tsx';
import { flatten } from '../parts/flatten.ts';
import { Empty, Panel } from '../parts/panel.tsx';

export interface Version extends StrategyVersion {
	/** Null until its first figures are there. */
	readonly did: StrategyPerformance | null;
}

interface VersionDiffProps {
	readonly versions: readonly Version[];
	/** Its name. */
	readonly strategy: string;
}

export function VersionDiff({ versions, strategy }: VersionDiffProps) {
	const own = versions.filter(({ name }) => name === strategy).sort((a, b) => b.version - a.version);
	const [wanted, setWanted] = useState<readonly [number, number] | null>(null);
	const [isWhole, setIsWhole] = useState('');
	const find = (version: number | undefined): Version | undefined => own.find((each) => each.version === version);
	const after = find(wanted?.[1]) ?? own[0];
	const before = find(wanted?.[0]) ?? own[1] ?? own[0];
	if (after === undefined || before === undefined) return null;
	const options = own.map(({ version, timeframe }) => [String(version), `Version ${version}, ${timeframe}`] as const);
	const lines = compare(before.parameters, after.parameters).filter(({ isSame }) => isWhole !== '' || !isSame);
	return (
		<Panel
			title={after.title}
			note="parameters of two versions"
			tools={
				<>
					<Choice
						legend="Parameters shown"
						options={[
							['', 'Differences'],
							['all', 'All'],
						]}
						value={isWhole}
						onChange={setIsWhole}
					/>
					<Select
						legend="Before"
						options={options}
						value={String(before.version)}
						onChange={(value) => setWanted([Number(value), after.version])}
					/>
					<Select
						legend="After"
						options={options}
						value={String(after.version)}
						onChange={(value) => setWanted([before.version, Number(value)])}
					/>
				</>
			}
		>
			{lines.length === 0 ? (
				<Empty>
					{before === after
						? 'Choose two versions to compare.'
						: `Versions ${before.version} and ${after.version} have the same parameters.`}
				</Empty>
			) : (
				<table className="diff">
					<caption className="hidden">
						Parameters of versions {before.version} and {after.version}
					</caption>
					<thead>
						<tr>
							<th scope="col">Parameter</th>
							<th scope="col">Version {before.version}</th>
							<th scope="col">Version {after.version}</th>
						</tr>
					</thead>
					<tbody>
						{lines.map(({ path, old, now, isSame }) => (
							<tr key={path} className={isSame ? undefined : 'changed'}>
								<th scope="row" title={path}>
									{path.split('.').map(words).join(' · ')}
								</th>
								<td>{old}</td>
								<td>{now}</td>
							</tr>
						))}
					</tbody>
				</table>
			)}
		</Panel>
	);
}

interface Line {
	readonly path: string;
	readonly old: string;
	readonly now: string;
	readonly isSame: boolean;
}

function compare(before: unknown, after: unknown): readonly Line[] {
	const [old, now] = [new Map(flatten(before)), new Map(flatten(after))];
	const paths = [...new Set([...old.keys(), ...now.keys()])].sort((a, b) => a.localeCompare(b, 'en'));
	return paths.map((path) => ({
		path,
		old: old.get(path) ?? '–',
		now: now.get(path) ?? '–',
		isSame: old.get(path) === now.get(path),
	}));
}
