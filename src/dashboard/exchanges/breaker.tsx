/** The breaker of an exchange by hand: opened with a reason, closed whoever opened it. */
import { useId } from 'react';
import { postJson } from '../api/client.ts';
import type { Exchange } from '../api/rows.ts';
import { ActionDialog, ReasonField, textOf } from '../parts/action-dialog.tsx';
import { notify } from '../parts/notices.tsx';

const durations = [
	['', 'until it is reset'],
	['5', '5 minutes, then a probe'],
	['30', '30 minutes, then a probe'],
	['120', '2 hours, then a probe'],
] as const;

export function BreakerControls({ exchange }: { readonly exchange: Exchange }) {
	return (
		<div className="card-actions">
			{exchange.breaker_state === 'CLOSED' ? null : <ResetBreaker exchange={exchange} />}
			{exchange.breaker_state === 'OPEN' ? null : <OpenBreaker exchange={exchange} />}
		</div>
	);
}

function OpenBreaker({ exchange: { exchange_id: id, title } }: { readonly exchange: Exchange }) {
	const durationId = useId();
	return (
		<ActionDialog
			button="Open breaker"
			className="danger-quiet"
			label={`Open the breaker of ${title}`}
			title={`Open the breaker of ${title}?`}
			confirm="Open breaker"
			isDanger
			run={async (fields) => {
				const minutes = textOf(fields, 'minutes');
				await postJson(`exchanges/${id}/breaker/open`, {
					reason: textOf(fields, 'reason'),
					...(minutes === '' ? {} : { for_minutes: Number(minutes) }),
				});
				notify(`The breaker of ${title} is open: nothing is asked or sent there.`);
			}}
		>
			<p>
				Nothing is asked or sent there while it is open, closes included. Stops that stand at the exchange still work;
				those that botbox watches do not.
			</p>
			<ReasonField placeholder="What is wrong there" />
			<div className="field">
				<label htmlFor={durationId}>For</label>
				<select id={durationId} name="minutes" defaultValue="">
					{durations.map(([value, text]) => (
						<option key={value} value={value}>
							{text}
						</option>
					))}
				</select>
			</div>
		</ActionDialog>
	);
}

function ResetBreaker({ exchange: { exchange_id: id, title } }: { readonly exchange: Exchange }) {
	return (
		<ActionDialog
			button="Reset breaker"
			label={`Reset the breaker of ${title}`}
			title={`Reset the breaker of ${title}?`}
			confirm="Reset breaker"
			run={async () => {
				await postJson(`exchanges/${id}/breaker/reset`);
				notify(`The breaker of ${title} is closed: calls pass.`);
			}}
		>
			<p className="muted">
				Calls pass at once, without a probe. Unknown orders are asked for and closes sent before anything is entered. If
				the exchange is still away it opens again after five failures.
			</p>
		</ActionDialog>
	);
}
