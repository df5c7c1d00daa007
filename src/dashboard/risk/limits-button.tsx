/** An account's limits, changed on the state that was read: if somebody else was faster the API refuses, and nothing is overwritten. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { getTagged, patchJson } from '../api/client.ts';
import type { Account } from '../api/rows.ts';
import { TextField } from '../bot-form/field.tsx';
import { ActionDialog } from '../parts/action-dialog.tsx';
import { notify } from '../parts/notices.tsx';
import { Loaded } from '../parts/panel.tsx';

interface Limit {
	readonly name: keyof Account & string;
	readonly title: string;
	readonly hint?: string;
	/** How the API takes it: money as text, so that no digit is lost. */
	readonly kind: 'number' | 'text';
	/** Empty means that there is none; the others always are. */
	readonly isOptional?: boolean;
}

const limits: readonly Limit[] = [
	{ name: 'max_positions', title: 'Open positions', kind: 'number' },
	{ name: 'max_total_exposure', title: 'Total exposure', kind: 'text', isOptional: true },
	{ name: 'max_instrument_exposure', title: 'Exposure in one market', kind: 'text', isOptional: true },
	{ name: 'max_order_notional', title: 'Largest order', kind: 'text', isOptional: true },
	{ name: 'max_entries_per_minute', title: 'Entries a minute', kind: 'number', isOptional: true },
	{
		...{ name: 'max_price_deviation', title: 'Price deviation', kind: 'number', isOptional: true },
		hint: 'Share of the price: 0.005 is 0.5%',
	},
	{ name: 'daily_loss_limit', title: 'Loss of a day', kind: 'text', isOptional: true },
	{
		...{ name: 'max_drawdown', title: 'Drawdown from peak', kind: 'number', isOptional: true },
		hint: 'Share of the peak: 0.1 is 10%',
	},
	{ name: 'max_correlated_positions', title: 'Correlated positions', kind: 'number' },
	{ name: 'correlation_threshold', title: 'Correlated from', kind: 'number', hint: '0 to 1' },
	{ name: 'loss_cooldown_minutes', title: 'Cooldown after a loss, minutes', kind: 'number', isOptional: true },
	{ name: 'max_losing_streak', title: 'Losing streak', kind: 'number', isOptional: true },
];

interface Change {
	readonly body: Readonly<Record<string, unknown>>;
	readonly etag: string;
}

export function LimitsButton({ account }: { readonly account: Account }) {
	const [change, setChange] = useState<Change | null>(null);
	return (
		<ActionDialog
			button="Limits"
			className="quiet"
			dialogClass="wide"
			label={`Change the limits of account ${account.name}`}
			title={`Limits of ${account.name}`}
			confirm="Save limits"
			run={async () => {
				if (change === null || Object.keys(change.body).length === 0) throw new Error('Nothing is changed.');
				await patchJson(`accounts/${account.account_id}/limits`, change.body, change.etag);
				notify(`The limits of account ${account.name} are changed; the next decision is held to them.`);
			}}
		>
			<LimitFields account={account} onChange={setChange} />
		</ActionDialog>
	);
}

interface LimitFieldsProps {
	readonly account: Account;
	readonly onChange: (change: Change) => void;
}

/** Begins with what is stored when the dialog opens, and keeps to that. */
function LimitFields({ account, onChange }: LimitFieldsProps) {
	const read = useQuery({
		queryKey: ['limits as read', account.account_id],
		queryFn: ({ signal }) => getTagged<Account>(`accounts/${account.account_id}`, signal),
		staleTime: Number.POSITIVE_INFINITY,
		gcTime: 0,
		refetchOnWindowFocus: false,
	});
	return (
		<Loaded of={read}>
			{({ body, etag }) => <Fields read={body} onChange={(next) => onChange({ body: next, etag })} />}
		</Loaded>
	);
}

function Fields({ read, onChange }: { readonly read: Account; readonly onChange: (body: Change['body']) => void }) {
	const [entered, setEntered] = useState<ReadonlyMap<string, string>>(new Map());
	const enter = (name: string, text: string): void => {
		const next = new Map(entered).set(name, text);
		setEntered(next);
		onChange(
			Object.fromEntries(
				limits.flatMap((limit) => {
					const value = next.get(limit.name);
					return value === undefined || value.trim() === textOf(read, limit)
						? []
						: [[limit.name, sent(limit, value.trim())]];
				}),
			),
		);
	};
	return (
		<div className="fields narrow">
			{limits.map((limit) => (
				<TextField
					key={limit.name}
					title={limit.title}
					hint={limit.hint}
					placeholder={limit.isOptional ? 'no limit' : ''}
					value={entered.get(limit.name) ?? textOf(read, limit)}
					onChange={(text) => enter(limit.name, text)}
					isNumber
				/>
			))}
		</div>
	);
}

const textOf = (account: Account, { name }: Limit): string => {
	const value = account[name];
	return value === null ? '' : String(Number(value));
};

/** Text that is no number stays text, for the API to name the field. */
function sent({ kind, isOptional }: Limit, text: string): string | number | null {
	if (text === '' && isOptional) return null;
	return kind === 'text' || text === '' || !Number.isFinite(Number(text)) ? text : Number(text);
}
