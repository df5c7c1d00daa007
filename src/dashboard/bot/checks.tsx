import type { UseQueryResult } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Check } from '../api/rows.ts';
import * as numbers from '../format/numbers.ts';
import { words } from '../format/words.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Ago, Score, Status } from '../parts/figures.tsx';
import { Empty, Loaded, Panel } from '../parts/panel.tsx';

export const checkKey = ({ due_at, kind }: Check): string => `${due_at} ${kind}`;

interface ChecksPanelProps {
	readonly checks: UseQueryResult<{ readonly items: readonly Check[] }>;
	/** The check whose factors are shown. */
	readonly shown: Check | null;
	readonly onChoose: (check: Check) => void;
}

export function ChecksPanel({ checks, shown, onChoose }: ChecksPanelProps) {
	const columns = useMemo(() => checkColumns(onChoose), [onChoose]);
	return (
		<Panel title="Checks" note="choose one to see its factors">
			<Loaded of={checks}>
				{({ items }) =>
					items.length === 0 ? (
						<Empty>This bot has not been checked yet.</Empty>
					) : (
						<DataTable
							caption="Checks"
							name="checks"
							columns={columns}
							rows={items}
							rowKey={checkKey}
							isSelected={(check) => shown !== null && checkKey(shown) === checkKey(check)}
						/>
					)
				}
			</Loaded>
		</Panel>
	);
}

function checkColumns(onChoose: (check: Check) => void): readonly Column<Check>[] {
	return [
		{
			key: 'due',
			title: 'Due',
			width: 96,
			sort: (check) => check.due_at,
			cell: (check) => (
				<button type="button" className="link" onClick={() => onChoose(check)}>
					<Ago at={check.due_at} />
				</button>
			),
		},
		{
			key: 'outcome',
			title: 'Outcome',
			width: 132,
			sort: (check) => check.outcome,
			cell: (check) => <Status status={check.outcome} />,
		},
		{
			key: 'reason',
			title: 'Reason',
			atLeast: 170,
			sort: (check) => check.reason_code,
			hint: (check) => check.error ?? check.reason,
			cell: (check) => words(check.reason_code),
		},
		{
			key: 'score',
			title: 'Score',
			width: 110,
			isNumber: true,
			sort: (check) => check.score,
			cell: (check) => <Score value={check.score} />,
		},
		{
			key: 'price',
			title: 'Price',
			width: 110,
			isNumber: true,
			isWide: true,
			cell: (check) => numbers.price(check.price),
		},
		{
			key: 'regime',
			title: 'Regime',
			width: 190,
			isWide: true,
			cell: (check) =>
				check.regime_direction === null
					? numbers.none
					: `${words(check.regime_direction)}, ${(check.regime_volatility ?? '').toLowerCase()}`,
		},
		{
			key: 'kind',
			title: 'Kind',
			width: 90,
			isWide: true,
			sort: (check) => check.kind,
			cell: (check) => words(check.kind),
		},
		{
			key: 'late',
			title: 'Recorded after',
			width: 110,
			isNumber: true,
			isWide: true,
			sort: (check) => check.late_ms,
			cell: (check) => numbers.milliseconds(check.late_ms),
		},
		{
			key: 'took',
			title: 'Took',
			width: 80,
			isNumber: true,
			isWide: true,
			sort: (check) => check.duration_ms,
			cell: (check) => numbers.milliseconds(check.duration_ms),
		},
	];
}
