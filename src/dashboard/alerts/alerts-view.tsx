/** Alerts: open ones first of all, what each is about, and that somebody has seen it. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { postJson } from '../api/client.ts';
import { useLongList } from '../api/queries.ts';
import type { Alert } from '../api/rows.ts';
import { useMayChange } from '../api/session.ts';
import * as numbers from '../format/numbers.ts';
import { words } from '../format/words.ts';
import { Choice, Select } from '../parts/choice.tsx';
import type { Column } from '../parts/data-table.tsx';
import { Ago, Badge, Status } from '../parts/figures.tsx';
import { LongListPanel } from '../parts/long-list.tsx';
import { notify } from '../parts/notices.tsx';
import { ViewHead } from '../parts/panel.tsx';
import { useFilter } from '../route.ts';
import { ChannelsPanel } from './channels-panel.tsx';

const states = [
	['', 'Open'],
	['resolved', 'Resolved'],
] as const;
const severities = [
	['', 'Any severity'],
	['CRITICAL', 'Critical'],
	['WARNING', 'Warning'],
	['INFO', 'Info'],
] as const;
const alertKey = (row: Alert): number => row.alert_id;

export function AlertsView() {
	const mayChange = useMayChange();
	const [state, setState] = useFilter('state');
	const [severity, setSeverity] = useFilter('severity');
	const list = useLongList<Alert>('alerts', { is_open: state === '', severity });
	return (
		<>
			<ViewHead title="Alerts" note="they resolve by themselves once their cause is gone" />
			<LongListPanel
				title={state === '' ? 'Open alerts' : 'Resolved alerts'}
				name="alerts"
				list={list}
				columns={mayChange ? columns : withoutAction}
				rowKey={alertKey}
				empty={state === '' && severity === '' ? 'Nothing is amiss.' : 'No alert is like that.'}
				filters={
					<>
						<Choice legend="State" options={states} value={state} onChange={setState} />
						<Select legend="Severity" options={severities} value={severity} onChange={setSeverity} />
					</>
				}
			/>
			<ChannelsPanel />
		</>
	);
}

const severityOrder = { CRITICAL: 3, WARNING: 2, INFO: 1 } as const;

const columns: readonly Column<Alert>[] = [
	{
		key: 'opened',
		title: 'Opened',
		width: 90,
		isWide: true,
		sort: (row) => row.opened_at,
		cell: (row) => <Ago at={row.opened_at} />,
	},
	{
		key: 'severity',
		title: 'Severity',
		width: 86,
		phoneWidth: 88,
		sort: (row) => severityOrder[row.severity],
		cell: (row) => <Status status={row.severity} />,
	},
	{
		key: 'code',
		title: 'Alert',
		width: 190,
		isWide: true,
		sort: (row) => row.code,
		hint: (row) => words(row.code),
		cell: (row) => words(row.code),
	},
	{
		key: 'subject',
		title: 'Subject',
		width: 150,
		isWide: true,
		sort: (row) => row.subject,
		hint: (row) => row.subject,
		cell: (row) => row.subject,
	},
	{ key: 'message', title: 'What happened', atLeast: 160, hint: (row) => row.message, cell: (row) => row.message },
	{
		key: 'seen',
		title: 'Seen',
		width: 60,
		isNumber: true,
		isWide: true,
		sort: (row) => row.occurrences,
		hint: (row) => `${numbers.count(row.occurrences)} times`,
		cell: (row) => `${numbers.count(row.occurrences)}×`,
	},
	{
		key: 'last',
		title: 'Last seen',
		width: 96,
		isWide: true,
		sort: (row) => row.last_seen_at,
		cell: (row) => <Ago at={row.last_seen_at} />,
	},
	{
		key: 'resolved',
		title: 'Resolved',
		width: 96,
		isWide: true,
		sort: (row) => row.resolved_at,
		cell: (row) => <Ago at={row.resolved_at} />,
	},
	{
		key: 'state',
		title: 'Acknowledged',
		width: 128,
		phoneWidth: 110,
		sort: (row) => row.acknowledged_at,
		hint: (row) => (row.acknowledged_by === null ? null : `by ${row.acknowledged_by}`),
		cell: (row) => <Acknowledgement alert={row} />,
	},
	{
		key: 'when',
		title: 'Opened',
		width: 92,
		isPhoneOnly: true,
		sort: (row) => row.opened_at,
		cell: (row) => <Ago at={row.opened_at} />,
	},
];

const withoutAction = columns.map(
	(column): Column<Alert> =>
		column.key === 'state' ? { ...column, cell: (row) => <Ago at={row.acknowledged_at} /> } : column,
);

function Acknowledgement({ alert }: { readonly alert: Alert }) {
	const queries = useQueryClient();
	const acknowledge = useMutation({
		mutationFn: () => postJson(`alerts/${alert.alert_id}/acknowledge`, {}),
		onSuccess: () => notify(`${words(alert.code)} is acknowledged; it stays open until its cause is gone.`),
		onError: (error) => notify(error.message, 'bad'),
		onSettled: () => void queries.invalidateQueries(),
	});
	if (alert.acknowledged_at !== null) return <Badge tone="plain">by {alert.acknowledged_by}</Badge>;
	if (!alert.is_open) return <span className="muted">{numbers.none}</span>;
	return (
		<button
			type="button"
			className="small"
			aria-label={`Acknowledge ${words(alert.code)} of ${alert.subject}`}
			disabled={acknowledge.isPending}
			onClick={() => acknowledge.mutate()}
		>
			Acknowledge
		</button>
	);
}
