/** Trades of which the exchange does not say what became of their order: a person looks there, and says it here. */
import { useMemo, useState } from 'react';
import { postJson } from '../api/client.ts';
import { useParkedTrades } from '../api/queries.ts';
import type { Trade } from '../api/rows.ts';
import { useMayChange } from '../api/session.ts';
import { TextField } from '../bot-form/field.tsx';
import * as numbers from '../format/numbers.ts';
import { words } from '../format/words.ts';
import { symbolColumn, tradeColumns } from '../overview/columns.tsx';
import { ActionDialog, ReasonField, textOf } from '../parts/action-dialog.tsx';
import { Choice } from '../parts/choice.tsx';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { notify } from '../parts/notices.tsx';
import { Panel } from '../parts/panel.tsx';

const tradeKey = (row: Trade): string => row.trade_id;

/** Nothing where nothing is parked. */
export function ParkedPanel() {
	const mayChange = useMayChange();
	const parked = useParkedTrades().data?.items ?? [];
	const shown = useMemo(() => columns.filter(({ key }) => mayChange || key !== 'resolve'), [mayChange]);
	if (parked.length === 0) return null;
	return (
		<Panel title="Parked trades" className="asks" note="the exchange does not say what became of their orders">
			<DataTable caption="Parked trades" name="parked" columns={shown} rows={parked} rowKey={tradeKey} />
		</Panel>
	);
}

const columns: readonly Column<Trade>[] = [
	...tradeColumns.filter(({ key }) => key !== 'acknowledged' && key !== 'status'),
	symbolColumn as Column<Trade>,
	{
		key: 'order',
		title: 'Client order id',
		atLeast: 190,
		isWide: true,
		hint: (row) => row.client_order_id,
		cell: (row) => <code>{row.client_order_id ?? numbers.none}</code>,
	},
	{
		key: 'resolve',
		title: <span className="hidden">Decision</span>,
		width: 90,
		cell: (row) => <ResolveButton trade={row} />,
	},
];

type Outcome = 'NOT_FILLED' | 'FILLED';

function ResolveButton({ trade }: { readonly trade: Trade }) {
	const [outcome, setOutcome] = useState<Outcome>('NOT_FILLED');
	const [values, setValues] = useState({ quantity: '', price: '', fee: '', order: '' });
	const change = (part: Partial<typeof values>): void => setValues({ ...values, ...part });
	return (
		<ActionDialog
			button="Resolve"
			className="small"
			label={`Resolve the trade of ${trade.bot}`}
			title={`What became of the order of ${trade.bot}?`}
			confirm={outcome === 'FILLED' ? 'Book this fill' : 'It was not filled'}
			isDanger
			run={async (fields) => {
				const reason = textOf(fields, 'reason');
				const { quantity, price, fee, order } = values;
				const body =
					outcome === 'NOT_FILLED'
						? { outcome, reason }
						: {
								...{ outcome, reason, quantity: quantity.trim(), price: price.trim() },
								...(fee.trim() === '' ? {} : { fee: fee.trim() }),
								...(order.trim() === '' ? {} : { exchange_order_id: order.trim() }),
							};
				const resolved = await postJson<Trade>(`trades/${trade.trade_id}/resolve`, body);
				notify(`The trade of ${trade.bot} is ${words(resolved.status).toLowerCase()}.`);
			}}
		>
			<p className="muted">
				Look for <code>{trade.client_order_id}</code> on the exchange's own page, among open orders and the history.
				What you say is booked; if the exchange tells otherwise later, an alert says so and nothing is booked twice.
			</p>
			<Choice
				legend="What became of it"
				options={[
					['NOT_FILLED', 'Not filled'],
					['FILLED', 'Filled'],
				]}
				value={outcome}
				onChange={(value) => setOutcome(value as Outcome)}
			/>
			{outcome === 'NOT_FILLED' ? null : (
				<>
					<TextField
						title="Quantity filled"
						hint={`of ${numbers.quantity(trade.quantity)}`}
						value={values.quantity}
						onChange={(quantity) => change({ quantity })}
						isNumber
					/>
					<TextField title="Average price" value={values.price} onChange={(price) => change({ price })} isNumber />
					<TextField
						title="Fee"
						hint="In the settlement asset; empty: none"
						value={values.fee}
						onChange={(fee) => change({ fee })}
						isNumber
					/>
					<TextField
						title="The exchange's order id"
						hint="If its page shows one"
						value={values.order}
						onChange={(order) => change({ order })}
					/>
				</>
			)}
			<ReasonField placeholder="How it is known" />
		</ActionDialog>
	);
}
