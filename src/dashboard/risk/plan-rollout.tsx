/** A rollout planned: numbers that rise with their times. The API's own schema tells wrong fields before it is asked; it has the last word. */
import { useState } from 'react';
import { ApiError, type FieldProblem, postJson } from '../api/client.ts';
import { useBodySchema } from '../api/queries.ts';
import type { Account } from '../api/rows.ts';
import { ChoiceField, Field, TextField } from '../bot-form/field.tsx';
import { validate } from '../bot-form/schema.ts';
import { ActionDialog } from '../parts/action-dialog.tsx';
import { notify } from '../parts/notices.tsx';

interface Entered {
	readonly bots: string;
	/** As the browser's field has it: `2026-12-08T09:00`, in this machine's zone. Of the first step it is not asked. */
	readonly at: string;
}
interface Plan {
	readonly accountId: number | undefined;
	readonly steps: readonly Entered[];
}

export function PlanButton({ accounts }: { readonly accounts: readonly Account[] }) {
	const schema = useBodySchema('/api/v1/accounts/{id}/rollout', 'post').data;
	const begin = (): Plan => ({
		accountId: accounts[0]?.account_id,
		steps: [
			{ bots: '', at: '' },
			{ bots: '', at: '' },
		],
	});
	const [plan, setPlan] = useState<Plan>(begin);
	const [problems, setProblems] = useState<readonly FieldProblem[]>([]);
	const refuse = (wrong: readonly FieldProblem[]): never => {
		setProblems(wrong);
		throw new Error(
			wrong.length === 1 ? 'A field needs your attention.' : `${wrong.length} fields need your attention.`,
		);
	};
	const run = async (): Promise<void> => {
		const account = accounts.find(({ account_id: id }) => id === plan.accountId);
		const body = { steps: plan.steps.map(sent) };
		const wrong = validate(schema ?? {}, body);
		if (wrong.length > 0) refuse(wrong);
		try {
			await postJson(`accounts/${account?.account_id}/rollout`, body);
		} catch (error) {
			// What stands beside its field need not be said twice; what is of no field here is.
			if (error instanceof ApiError && error.fields.some(({ field }) => /^steps\.\d/.test(field))) refuse(error.fields);
			setProblems([]);
			throw error;
		}
		setPlan(begin());
		setProblems([]);
		notify(`Account ${account?.name}: up to ${body.steps[0]?.max_active_bots} active bots from now on.`);
	};
	return (
		<ActionDialog button="Plan a rollout" title="Plan a rollout" dialogClass="wide" confirm="Plan it" run={run}>
			<p className="muted">
				The first step counts at once; bots beyond it wait, and start by themselves in the order in which they were
				created. A step is held back while a CRITICAL alert is open, the breaker is not closed or entries are paused.
				What is active already stays.
			</p>
			<ChoiceField
				title="Account"
				options={accounts.map(({ account_id: id, name, mode }) => [String(id), `${name}, ${mode}`] as const)}
				value={String(plan.accountId ?? '')}
				onChange={(id) => setPlan({ ...plan, accountId: Number(id) })}
			/>
			<StepFields
				steps={plan.steps}
				problems={problems}
				onChange={(steps) => {
					setPlan({ ...plan, steps });
					// They were of what stood there before.
					setProblems([]);
				}}
			/>
		</ActionDialog>
	);
}

interface StepFieldsProps {
	readonly steps: readonly Entered[];
	readonly problems: readonly FieldProblem[];
	readonly onChange: (steps: readonly Entered[]) => void;
}

function StepFields({ steps, problems, onChange }: StepFieldsProps) {
	const problemOf = (index: number, field: string): string | undefined =>
		problems.find((problem) => problem.field === `steps.${index}.${field}`)?.message;
	const change = (index: number, part: Partial<Entered>): void =>
		onChange(steps.map((step, i) => (i === index ? { ...step, ...part } : step)));
	return (
		<>
			{steps.map((step, i) => (
				// A step is its place in the plan and nothing else.
				// biome-ignore lint/suspicious/noArrayIndexKey: see above
				<fieldset className="step" key={i}>
					<legend className="hidden">Step {i + 1}</legend>
					<TextField
						title={`Step ${i + 1}: active bots`}
						problem={problemOf(i, 'max_active_bots')}
						value={step.bots}
						onChange={(bots) => change(i, { bots })}
						isNumber
					/>
					{i === 0 ? (
						<p className="fixed muted">from now on</p>
					) : (
						<Field title={`Step ${i + 1}: from`} problem={problemOf(i, 'step_at')}>
							{(control) => (
								<input
									{...control}
									type="datetime-local"
									value={step.at}
									onChange={(event) => change(i, { at: event.target.value })}
								/>
							)}
						</Field>
					)}
					{i === 0 ? null : (
						<button
							type="button"
							aria-label={`Remove step ${i + 1}`}
							onClick={() => onChange(steps.filter((_, other) => other !== i))}
						>
							Remove
						</button>
					)}
				</fieldset>
			))}
			<p>
				<button type="button" onClick={() => onChange([...steps, { bots: '', at: '' }])}>
					Add a step
				</button>
			</p>
		</>
	);
}

/** What is no number stays text, for the schema to name the field. */
function sent({ bots, at }: Entered, index: number) {
	const text = bots.trim();
	return {
		max_active_bots: text === '' ? undefined : Number.isFinite(Number(text)) ? Number(text) : text,
		...(index === 0 || at === '' ? {} : { step_at: new Date(at).toISOString() }),
	};
}
