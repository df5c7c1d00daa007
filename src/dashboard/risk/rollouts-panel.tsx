/** Rollouts: how many bots of each account may be active, when more may be, and what holds the next step back. */
import { useMemo } from 'react';
import { postJson } from '../api/client.ts';
import { useRolloutSteps, useRollouts } from '../api/queries.ts';
import type { Account, Rollout, RolloutStep } from '../api/rows.ts';
import { useMayChange } from '../api/session.ts';
import * as numbers from '../format/numbers.ts';
import { minuteTime } from '../format/times.ts';
import { ActionDialog, textOf } from '../parts/action-dialog.tsx';
import { Ago, Mode, Status } from '../parts/figures.tsx';
import { notify } from '../parts/notices.tsx';
import { Empty, Loaded, Panel } from '../parts/panel.tsx';
import { PlanButton } from './plan-rollout.tsx';

export function RolloutsPanel({ accounts }: { readonly accounts: readonly Account[] }) {
	const mayChange = useMayChange();
	const rollouts = useRollouts();
	return (
		<Panel
			title="Rollouts"
			className="rollouts"
			note="how many bots of an account may be active, and when more may be"
			tools={mayChange ? <PlanButton accounts={accounts} /> : undefined}
		>
			<Loaded of={rollouts}>
				{({ items }) =>
					items.length === 0 ? (
						<Empty>No account is limited: each of its bots may be active.</Empty>
					) : (
						items.map((rollout) => <OneRollout key={rollout.account_id} rollout={rollout} mayChange={mayChange} />)
					)
				}
			</Loaded>
		</Panel>
	);
}

function OneRollout({ rollout, mayChange }: { readonly rollout: Rollout; readonly mayChange: boolean }) {
	const steps = useRolloutSteps(rollout.account);
	const plan = useMemo(() => newestPlan(steps.data?.items ?? []), [steps.data]);
	const isOpen = plan.some(({ status }) => status === 'PLANNED' || status === 'HELD');
	const { max_active_bots: limit, waiting_bots: waiting } = rollout;
	return (
		<section className="rollout" aria-label={`Rollout of ${rollout.account}`}>
			<div className="card-head">
				<strong>{rollout.account}</strong> <Mode mode={rollout.account_mode} />
				<span className="muted">
					{numbers.count(rollout.places_taken)} of {limit === null ? 'any number' : numbers.count(limit)}{' '}
					{limit === 1 ? 'place' : 'places'} taken, {numbers.count(rollout.active_bots)} active
					{waiting === 0 ? '' : `, ${numbers.count(waiting)} waiting for theirs`}
				</span>
				{mayChange ? (
					<span className="end">
						<CancelButton rollout={rollout} isOpen={isOpen} />
					</span>
				) : null}
			</div>
			{rollout.held_reason === null ? null : (
				<p className="warn">
					The next step is held back
					{rollout.held_since === null ? '' : ` since ${minuteTime(rollout.held_since)}`}: {rollout.held_reason}. It is
					taken once that is over.
				</p>
			)}
			{plan.length === 0 ? null : <Steps account={rollout.account} steps={plan} />}
		</section>
	);
}

function Steps({ account, steps }: { readonly account: string; readonly steps: readonly RolloutStep[] }) {
	return (
		<table className="limits steps">
			<caption className="hidden">Steps of the rollout of {account}</caption>
			<thead>
				<tr>
					<th scope="col" className="number">
						Bots
					</th>
					<th scope="col">From</th>
					<th scope="col">State</th>
					<th scope="col">Planned by</th>
				</tr>
			</thead>
			<tbody>
				{steps.map((step) => (
					<tr key={step.step_id}>
						<th scope="row" className="number">
							{numbers.count(step.max_active_bots)}
						</th>
						<td>
							{minuteTime(step.taken_at ?? step.due_at)}{' '}
							<small>
								<Ago at={step.taken_at ?? step.due_at} />
								{step.due_at > step.step_at ? `, planned for ${minuteTime(step.step_at)}` : ''}
							</small>
						</td>
						<td>
							<Status status={step.status} title={step.held_reason} />
						</td>
						<td>{step.planned_by}</td>
					</tr>
				))}
			</tbody>
		</table>
	);
}

/** Steps that were planned together, last of all; the API lists them in the order in which they were planned. */
function newestPlan(steps: readonly RolloutStep[]): readonly RolloutStep[] {
	const newest = steps.at(-1)?.planned_at;
	return steps.filter(({ planned_at: at }) => at === newest);
}

function CancelButton({ rollout, isOpen }: { readonly rollout: Rollout; readonly isOpen: boolean }) {
	const { account, account_id: id, max_active_bots: limit, waiting_bots: waiting } = rollout;
	return (
		<ActionDialog
			button="Cancel"
			className="danger-quiet"
			label={`Cancel the rollout of ${account}`}
			title={`Cancel the rollout of ${account}?`}
			confirm="Cancel the rollout"
			isDanger
			run={async (fields) => {
				const unlimited = !isOpen || textOf(fields, 'keeps') === '';
				await postJson(`accounts/${id}/rollout/cancel`, { unlimited });
				notify(
					unlimited ? `Account ${account} has no limit of active bots.` : `No further step of account ${account}.`,
				);
			}}
		>
			<p className="muted">
				{isOpen
					? 'Its steps that are not taken are given up. '
					: 'Every step of it is taken: only the limit is left to remove. '}
				Without the limit whoever waits starts within a minute: {numbers.count(waiting)}{' '}
				{waiting === 1 ? 'bot' : 'bots'}.
			</p>
			{isOpen && limit !== null ? (
				<label className="check">
					<input type="checkbox" name="keeps" defaultChecked /> Keep the limit of {numbers.count(limit)} active{' '}
					{limit === 1 ? 'bot' : 'bots'}
				</label>
			) : null}
		</ActionDialog>
	);
}
