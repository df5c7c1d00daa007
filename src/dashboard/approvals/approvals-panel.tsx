/** Entries that wait for a person's word, with what one decides by: the price then and now, and the time that is left. */
import { useMemo } from 'react';
import { postJson } from '../api/client.ts';
import { useWaitingApprovals } from '../api/queries.ts';
import type { Approval } from '../api/rows.ts';
import { useMayChange } from '../api/session.ts';
import * as numbers from '../format/numbers.ts';
import { exact, useNow } from '../format/times.ts';
import { botColumn, symbolColumn } from '../overview/columns.tsx';
import { ActionDialog, ReasonField, textOf } from '../parts/action-dialog.tsx';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Side } from '../parts/figures.tsx';
import { Panel } from '../parts/panel.tsx';

const approvalKey = (row: Approval): string => row.trade_id;

/** Nothing where nothing waits, so that it stands out where something does. */
export function ApprovalsPanel({ botId }: { readonly botId?: number }) {
	const mayChange = useMayChange();
	const waiting = useWaitingApprovals(botId).data?.items ?? [];
	const shown = useMemo(
		() => columns.filter(({ key }) => (botId === undefined || key !== 'bot') && (mayChange || key !== 'word')),
		[botId, mayChange],
	);
	if (waiting.length === 0) return null;
	return (
		<Panel
			title="Waiting for your approval"
			className="asks"
			note={mayChange ? numbers.count(waiting.length) : 'log in as operator to decide'}
		>
			<DataTable
				caption="Waiting for your approval"
				name="approvals"
				columns={shown}
				rows={waiting}
				rowKey={approvalKey}
			/>
		</Panel>
	);
}

const columns: readonly Column<Approval>[] = [
	{
		key: 'expires',
		title: 'Time left',
		width: 84,
		sort: (row) => row.expires_at,
		cell: (row) => <TimeLeft until={row.expires_at} />,
	},
	botColumn(),
	{
		key: 'direction',
		title: 'Direction',
		width: 84,
		// The buttons need the room of a phone, and their dialogs say it in their titles.
		isWide: true,
		sort: (row) => row.direction,
		cell: (row) => <Side direction={row.direction} />,
	},
	symbolColumn as Column<Approval>,
	{
		key: 'notional',
		title: 'Notional',
		width: 92,
		isNumber: true,
		isWide: true,
		sort: (row) => Number(row.notional),
		hint: (row) => `${numbers.quantity(row.quantity)} for ${numbers.money(row.notional)} ${row.settle_asset}`,
		cell: (row) => numbers.money(row.notional),
	},
	{
		key: 'then',
		title: 'Decided at',
		width: 100,
		isNumber: true,
		isWide: true,
		cell: (row) => numbers.price(row.signal_price),
	},
	{
		key: 'now',
		title: 'Price now',
		width: 150,
		isNumber: true,
		isWide: true,
		sort: (row) => (row.price_change === null ? null : Number(row.price_change)),
		cell: (row) => <PriceNow approval={row} />,
	},
	{
		key: 'stop',
		title: 'Stop',
		width: 90,
		isNumber: true,
		isWide: true,
		cell: (row) => numbers.price(row.stop_loss_price),
	},
	{ key: 'word', title: <span className="hidden">Decision</span>, width: 172, cell: (row) => <Word approval={row} /> },
];

/** Minutes and seconds: five minutes are short enough to count. */
function TimeLeft({ until }: { readonly until: string }) {
	const left = Math.max(0, Math.floor((Date.parse(until) - useNow()) / 1_000));
	return (
		<time dateTime={until} title={exact(until)} className={left < 60 ? 'number warn' : 'number'}>
			{Math.floor(left / 60)}:{String(left % 60).padStart(2, '0')}
		</time>
	);
}

/** Coloured by what it means for the entry: dearer to buy, or cheaper to sell, is worse. */
function PriceNow({ approval }: { readonly approval: Approval }) {
	const change = approval.price_change === null ? null : Number(approval.price_change);
	if (change === null) return <span className="muted">{numbers.none}</span>;
	const worse = approval.direction === 'LONG' ? change > 0 : change < 0;
	return (
		<>
			{numbers.price(approval.last_price)}{' '}
			<small className={change === 0 ? 'muted' : worse ? 'loss' : 'gain'}>
				{change > 0 ? '+' : ''}
				{numbers.percent(change, 2)}
			</small>
		</>
	);
}

function Word({ approval }: { readonly approval: Approval }) {
	const what = `${approval.direction.toLowerCase()} ${approval.symbol} of ${approval.bot}`;
	const both = approval.group_id === null ? '' : ' Both legs of the pair are decided together.';
	const say = async (verb: 'approve' | 'reject', fields: FormData): Promise<void> => {
		const reason = textOf(fields, 'reason');
		await postJson(`trades/${approval.trade_id}/${verb}`, reason === '' ? {} : { reason });
	};
	return (
		<span className="words">
			<ActionDialog
				button="Approve"
				className="small primary"
				label={`Approve ${what}`}
				title={`Approve ${what}?`}
				confirm="Approve"
				run={(fields) => say('approve', fields)}
			>
				<Deal approval={approval} />
				<p className="muted">
					It is sent at the market price unless a pause, a limit or the account stands against it by then.{both}
				</p>
			</ActionDialog>
			<ActionDialog
				button="Reject"
				className="small"
				label={`Reject ${what}`}
				title={`Reject ${what}?`}
				confirm="Reject"
				isDanger
				run={(fields) => say('reject', fields)}
			>
				<Deal approval={approval} />
				<p className="muted">Its capital is free again; the bot may ask anew on its next candle.{both}</p>
				<ReasonField placeholder="What the others should know" />
			</ActionDialog>
		</span>
	);
}

function Deal({ approval }: { readonly approval: Approval }) {
	return (
		<dl className="pairs">
			<dt>Account</dt>
			<dd>{approval.account_mode}</dd>
			<dt>Quantity</dt>
			<dd>{numbers.quantity(approval.quantity)}</dd>
			<dt>Notional</dt>
			<dd>
				{numbers.money(approval.notional)} {approval.settle_asset}
				{Number(approval.leverage) === 1 ? '' : `, ${numbers.quantity(approval.leverage)}× leverage`}
			</dd>
			<dt>Decided at</dt>
			<dd>{numbers.price(approval.signal_price)}</dd>
			<dt>Price now</dt>
			<dd>
				<PriceNow approval={approval} />
			</dd>
			<dt>Stop, target</dt>
			<dd>
				{numbers.price(approval.stop_loss_price)}, {numbers.price(approval.take_profit_price)}
			</dd>
			<dt>Time left</dt>
			<dd>
				<TimeLeft until={approval.expires_at} />
			</dd>
		</dl>
	);
}
