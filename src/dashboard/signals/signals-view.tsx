/** Every signal, accepted or rejected, and on a click everything that was known when it was decided. */
import { useMemo, useState } from 'react';
import { useLongList, useRejectionReasons } from '../api/queries.ts';
import type { Signal } from '../api/rows.ts';
import { words } from '../format/words.ts';
import { signalColumns } from '../overview/columns.tsx';
import { Choice, Select } from '../parts/choice.tsx';
import type { Column } from '../parts/data-table.tsx';
import { Ago } from '../parts/figures.tsx';
import { LongListPanel } from '../parts/long-list.tsx';
import { ViewHead } from '../parts/panel.tsx';
import { useFilter } from '../route.ts';
import { SignalDialog } from './signal-dialog.tsx';

const decisions = [
	['', 'All'],
	['QUEUED', 'Accepted'],
	['REJECTED', 'Rejected'],
] as const;
const directions = [
	['', 'Any direction'],
	['LONG', 'Long'],
	['SHORT', 'Short'],
	['CLOSE', 'Close'],
] as const;
const signalKey = (row: Signal): number => row.signal_id;

export function SignalsView() {
	const [status, setStatus] = useFilter('status');
	const [direction, setDirection] = useFilter('direction');
	const [reason, setReason] = useFilter('reason');
	const [chosen, setChosen] = useState<Signal | null>(null);
	const list = useLongList<Signal>('signals', { status, direction, reason });
	const columns = useMemo(() => explained(setChosen), []);
	return (
		<>
			<ViewHead title="Signals" note="choose one to see why it was decided so" />
			<LongListPanel
				title="Signals"
				name="signals"
				list={list}
				columns={columns}
				rowKey={signalKey}
				empty={
					status + direction + reason === ''
						? 'No signal yet: bots are checked on their intervals.'
						: 'No signal is like that.'
				}
				filters={
					<>
						<Choice legend="Decision" options={decisions} value={status} onChange={setStatus} />
						<Select legend="Direction" options={directions} value={direction} onChange={setDirection} />
						<ReasonSelect value={reason} onChange={setReason} />
					</>
				}
			/>
			{chosen === null ? null : <SignalDialog signal={chosen} onClose={() => setChosen(null)} />}
		</>
	);
}

function ReasonSelect({ value, onChange }: { readonly value: string; readonly onChange: (value: string) => void }) {
	const reasons = useRejectionReasons().data?.items ?? [];
	const codes = new Set(reasons.map(({ reason_code }) => reason_code));
	if (value !== '') codes.add(value);
	const options = [['', 'Any reason'], ...[...codes].sort().map((code) => [code, words(code)] as const)] as const;
	return <Select legend="Reason" options={options} value={value} onChange={onChange} />;
}

/** The columns of a list of signals; the time opens the signal. */
function explained(onChoose: (signal: Signal) => void): readonly Column<Signal>[] {
	return signalColumns.map((column) =>
		column.key !== 'at'
			? column
			: {
					...column,
					cell: (row) => (
						<button type="button" className="link" aria-haspopup="dialog" onClick={() => onChoose(row)}>
							<Ago at={row.created_at} />
						</button>
					),
				},
	);
}
