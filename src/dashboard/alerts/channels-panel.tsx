/** Where alerts are sent, and whether they arrive: a test goes the way alerts go, and its outcome is waited for. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { getJson, postJson } from '../api/client.ts';
import { type Page, useAlertChannels } from '../api/queries.ts';
import type { AlertChannel } from '../api/rows.ts';
import { useMayChange } from '../api/session.ts';
import * as numbers from '../format/numbers.ts';
import { words } from '../format/words.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Ago, Badge, Status } from '../parts/figures.tsx';
import { notify } from '../parts/notices.tsx';
import { Empty, Loaded, Panel } from '../parts/panel.tsx';

const channelKey = (row: AlertChannel): number => row.channel_id;

export function ChannelsPanel() {
	const mayChange = useMayChange();
	const channels = useAlertChannels();
	return (
		<Panel title="Channels" note="where alerts are sent">
			<Loaded of={channels}>
				{({ items }) =>
					items.length === 0 ? (
						<Empty>
							Nobody is told of alerts yet: <code>botbox alerts channels add ops --kind slack</code> makes a channel.
						</Empty>
					) : (
						<DataTable
							caption="Channels"
							name="channels"
							columns={mayChange ? columns : columns.filter(({ key }) => key !== 'test')}
							rows={items}
							rowKey={channelKey}
						/>
					)
				}
			</Loaded>
		</Panel>
	);
}

const tones = { WORKING: 'good', UNTRIED: 'plain', FAILING: 'warn', DEAD: 'bad' } as const;
const toneOf = (state: string) => tones[state as keyof typeof tones] ?? 'plain';

const columns: readonly Column<AlertChannel>[] = [
	{
		key: 'name',
		title: 'Channel',
		atLeast: 110,
		hint: (row) => row.name,
		sort: (row) => row.name,
		cell: (row) => row.name,
	},
	{ key: 'kind', title: 'Kind', width: 90, isWide: true, sort: (row) => row.kind, cell: (row) => words(row.kind) },
	{ key: 'target', title: 'To', atLeast: 140, isWide: true, hint: (row) => row.target, cell: (row) => row.target },
	{
		key: 'severity',
		title: 'From',
		width: 90,
		isWide: true,
		cell: (row) => <Status status={row.minimum_severity} />,
	},
	{
		key: 'state',
		title: 'State',
		width: 92,
		sort: (row) => row.state,
		cell: (row) => (
			<Badge tone={toneOf(row.state)} title={row.last_error}>
				{words(row.state)}
			</Badge>
		),
	},
	{
		key: 'delivered',
		title: 'Last delivered',
		width: 120,
		isWide: true,
		sort: (row) => row.last_delivered_at,
		cell: (row) => <Ago at={row.last_delivered_at} />,
	},
	{
		key: 'waiting',
		title: 'Waiting',
		width: 80,
		isNumber: true,
		isWide: true,
		sort: (row) => row.waiting,
		cell: (row) => numbers.count(row.waiting),
	},
	{
		key: 'error',
		title: 'Last error',
		atLeast: 150,
		isWide: true,
		hint: (row) => row.last_error,
		cell: (row) => row.last_error ?? <span className="muted">{numbers.none}</span>,
	},
	{ key: 'test', title: <span className="hidden">Test</span>, width: 70, cell: (row) => <TestButton channel={row} /> },
];

/** A worker looks every five seconds, and a channel has ten to answer. */
const looks = 20;
const pauseMs = 1_000;

function TestButton({ channel }: { readonly channel: AlertChannel }) {
	const queries = useQueryClient();
	const test = useMutation({
		mutationFn: () => tried(channel),
		onSuccess: (error) =>
			error === null
				? notify(`${channel.name} took the test message.`)
				: notify(`${channel.name} did not take the test message: ${error}`, 'bad'),
		onError: (error) => notify(error.message, 'bad'),
		onSettled: () => void queries.invalidateQueries(),
	});
	return (
		<button
			type="button"
			className="small"
			aria-label={`Send a test message to ${channel.name}`}
			disabled={test.isPending}
			onClick={() => test.mutate()}
		>
			{test.isPending ? 'Sending' : 'Test'}
		</button>
	);
}

/** Null: it was taken; else what the channel says against it. */
async function tried({ channel_id: id }: AlertChannel): Promise<string | null> {
	const before = await postJson<AlertChannel>(`alert-channels/${id}/test`);
	for (let look = 0; look < looks; look++) {
		await new Promise((resolve) => setTimeout(resolve, pauseMs));
		const { items } = await getJson<Page<AlertChannel>>('alert-channels', { limit: 100 });
		const now = items.find(({ channel_id }) => channel_id === id);
		if (now === undefined) throw new Error('The channel is gone.');
		if (now.last_delivered_at !== before.last_delivered_at) return null;
		if (now.last_failed_at !== before.last_failed_at) return now.last_error ?? 'no reason was given';
	}
	throw new Error('No worker has sent the test message yet: is one with role monitor running?');
}
