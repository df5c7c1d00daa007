/** Strategies: their versions, what each version did, and how two of them differ. */
import { useMemo } from 'react';
import { useStrategyPerformance, useStrategyVersions } from '../api/queries.ts';
import * as numbers from '../format/numbers.ts';
import { words } from '../format/words.ts';
import { Select } from '../parts/choice.tsx';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Ago, Pnl } from '../parts/figures.tsx';
import { Empty, Loaded, Panel, ViewHead } from '../parts/panel.tsx';
import { useFilter } from '../route.ts';
import { type Version, VersionDiff } from './version-diff.tsx';

export function StrategiesView() {
	const versions = useStrategyVersions();
	const performance = useStrategyPerformance();
	const [chosen, setChosen] = useFilter('strategy');
	const rows = useMemo((): readonly Version[] => {
		const byVersion = new Map(performance.data?.items.map((row) => [row.strategy_version_id, row]));
		return (versions.data?.items ?? []).map((row) => ({ ...row, did: byVersion.get(row.strategy_version_id) ?? null }));
	}, [versions.data, performance.data]);
	const names = [...new Map(rows.map(({ name, title }) => [name, title]))].sort(([, a], [, b]) =>
		a.localeCompare(b, 'en'),
	);
	const name = names.some(([each]) => each === chosen) ? chosen : '';
	const shown = name === '' ? rows : rows.filter((row) => row.name === name);
	return (
		<>
			<ViewHead title="Strategies" note="every change of parameters is a version" />
			<Panel
				title="Versions"
				note={versions.data === undefined ? undefined : numbers.count(shown.length)}
				tools={
					<Select legend="Strategy" options={[['', 'All strategies'], ...names]} value={name} onChange={setChosen} />
				}
			>
				<Loaded of={versions}>
					{() =>
						rows.length === 0 ? (
							<Empty>No bot was made of a strategy yet, so there is no version of one.</Empty>
						) : (
							<DataTable
								caption="Versions"
								name="versions"
								columns={columns}
								rows={shown}
								rowKey={(row) => row.strategy_version_id}
							/>
						)
					}
				</Loaded>
			</Panel>
			{rows.length === 0 ? null : <VersionDiff versions={rows} strategy={name === '' ? mostChanged(rows) : name} />}
		</>
	);
}

/** The strategy with the most versions: of all, it has most to compare. */
function mostChanged(rows: readonly Version[]): string {
	const versions = new Map<string, number>();
	for (const { name } of rows) versions.set(name, (versions.get(name) ?? 0) + 1);
	return [...versions].sort(([, a], [, b]) => b - a)[0]?.[0] ?? '';
}

const columns: readonly Column<Version>[] = [
	{
		key: 'strategy',
		title: 'Strategy',
		atLeast: 140,
		sort: (row) => row.title,
		hint: (row) => `${row.strategy_id}, ${row.name}`,
		cell: (row) => <a href={`#/strategies?strategy=${row.name}`}>{row.title}</a>,
	},
	{
		key: 'version',
		title: 'Version',
		width: 70,
		isNumber: true,
		sort: (row) => row.version,
		cell: (row) => numbers.count(row.version),
	},
	{ key: 'timeframe', title: 'Candles', width: 74, isWide: true, cell: (row) => row.timeframe },
	{
		key: 'regimes',
		title: 'Favours',
		width: 124,
		isWide: true,
		hint: (row) => row.favourable_regimes.map(words).join(', '),
		cell: (row) =>
			row.favourable_regimes.length === 0 || row.favourable_regimes.length === 3 ? (
				<span className="muted">any regime</span>
			) : (
				row.favourable_regimes.map(words).join(', ')
			),
	},
	{
		key: 'made',
		title: 'Made',
		width: 90,
		isWide: true,
		sort: (row) => row.created_at,
		cell: (row) => <Ago at={row.created_at} />,
	},
	{
		key: 'bots',
		title: 'Active bots',
		width: 92,
		isNumber: true,
		sort: (row) => row.active_bots,
		cell: (row) => numbers.count(row.active_bots),
	},
	{
		key: 'signals',
		title: 'Signals 24 h',
		width: 96,
		isNumber: true,
		isWide: true,
		sort: (row) => row.did?.signals_day ?? null,
		hint: (row) => `${numbers.count(row.did?.accepted_day)} accepted, ${numbers.count(row.did?.rejected_day)} rejected`,
		cell: (row) => numbers.count(row.did?.signals_day),
	},
	{
		key: 'accepted',
		title: 'Accepted',
		width: 86,
		isNumber: true,
		isWide: true,
		sort: (row) => shareOf(row.did?.accepted_day, row.did?.signals_day),
		cell: (row) => numbers.percent(shareOf(row.did?.accepted_day, row.did?.signals_day)),
	},
	{
		key: 'closed',
		title: 'Closed',
		width: 66,
		isNumber: true,
		isWide: true,
		sort: (row) => row.did?.closed_positions ?? null,
		hint: (row) => `${numbers.count(row.did?.won)} won, ${numbers.count(row.did?.lost)} lost`,
		cell: (row) => numbers.count(row.did?.closed_positions),
	},
	{
		key: 'won',
		title: 'Won',
		width: 64,
		isNumber: true,
		isWide: true,
		sort: (row) => shareOf(row.did?.won, row.did?.closed_positions),
		cell: (row) => numbers.percent(shareOf(row.did?.won, row.did?.closed_positions)),
	},
	{
		key: 'fees',
		title: 'Fees',
		width: 72,
		isNumber: true,
		isWide: true,
		sort: (row) => numbers.sortable(row.did?.fees),
		cell: (row) => numbers.money(row.did?.fees),
	},
	{
		key: 'live',
		title: 'P&L live',
		width: 92,
		isNumber: true,
		isWide: true,
		sort: (row) => numbers.sortable(row.did?.net_pnl_live),
		cell: (row) => <Pnl value={row.did?.net_pnl_live ?? null} unit={row.did?.settle_asset ?? null} />,
	},
	{
		key: 'paper',
		title: 'P&L paper',
		width: 92,
		isNumber: true,
		sort: (row) => numbers.sortable(row.did?.net_pnl_paper),
		cell: (row) => <Pnl value={row.did?.net_pnl_paper ?? null} unit={row.did?.settle_asset ?? null} />,
	},
];

function shareOf(part: number | null | undefined, whole: number | null | undefined): number | null {
	return part === null || part === undefined || !whole ? null : part / whole;
}
