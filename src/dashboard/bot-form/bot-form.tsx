/** The form of a bot, new or changed: refuses what the API's own schemas refuse, and shows what the API refused at its field. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, type SubmitEvent, useRef, useState } from 'react';
import { ApiError } from '../api/client.ts';
import type { Bot } from '../api/rows.ts';
import { Panel } from '../parts/panel.tsx';
import { ChoiceField, TextField } from './field.tsx';
import { ParameterFields } from './parameter-fields.tsx';
import type { ParameterField } from './parameters.ts';
import type { Wrong } from './schema.ts';
import type { BotValues } from './values.ts';

interface BotFormProps {
	readonly values: BotValues;
	readonly onChange: (values: BotValues) => void;
	/** Strategy, account and market, where they can still be chosen. */
	readonly basis: (problems: ReadonlyMap<string, string>) => ReactNode;
	readonly parameters: readonly ParameterField[];
	readonly parametersNote: string;
	readonly entered: ReadonlyMap<string, string>;
	readonly onEnter: (path: string, text: string) => void;
	/** What keeps the form from being sent as it stands. */
	readonly check: () => readonly Wrong[];
	readonly send: () => Promise<Bot>;
	readonly onDone: (bot: Bot) => void;
	readonly submit: string;
	readonly cancelHref: string;
}

const intervals = [
	['1', '1 minute'],
	['5', '5 minutes'],
	['15', '15 minutes'],
	['60', '1 hour'],
] as const;
const sizings = [
	['FIXED_NOTIONAL', 'Fixed notional'],
	['CAPITAL_FRACTION', 'Share of capital'],
	['VOLATILITY_TARGET', 'Volatility target'],
] as const;
const sizingHints: Readonly<Record<string, string>> = {
	FIXED_NOTIONAL: 'Value of each entry, in the settlement asset',
	CAPITAL_FRACTION: 'Share of the capital for each entry: 0.05 is 5%',
	VOLATILITY_TARGET: 'Share of the capital at risk for each ATR: 0.01 is 1%',
};

export function BotForm(props: BotFormProps) {
	const {
		values,
		onChange,
		basis,
		parameters,
		parametersNote,
		entered,
		onEnter,
		check,
		send,
		onDone,
		submit,
		cancelHref,
	} = props;
	const form = useRef<HTMLFormElement>(null);
	const queries = useQueryClient();
	/** From the first attempt on, each change is judged at once. */
	const [isTried, setIsTried] = useState(false);
	const saving = useMutation({
		mutationFn: send,
		onSuccess: onDone,
		onSettled: () => void queries.invalidateQueries(),
	});
	const refused = saving.error instanceof ApiError ? saving.error.fields : [];
	const wrong = isTried ? [...check(), ...refused] : [];
	const problems = new Map(wrong.toReversed().map(({ field, message }) => [field, message]));
	const trySubmit = (event: SubmitEvent<HTMLFormElement>): void => {
		event.preventDefault();
		setIsTried(true);
		saving.reset();
		if (check().length === 0) saving.mutate();
		else requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
	};
	const change = (part: Partial<BotValues>): void => onChange({ ...values, ...part });
	const parameterProblems = new Map(
		[...problems].flatMap(([field, message]) =>
			field.startsWith('parameters.') ? [[field.slice('parameters.'.length), message] as const] : [],
		),
	);
	return (
		<form className="bot-form" ref={form} onSubmit={trySubmit} noValidate>
			<Panel title="Bot">
				<div className="fields">
					<TextField
						title="Name"
						value={values.name}
						problem={problems.get('name')}
						onChange={(name) => change({ name })}
					/>
					{basis(problems)}
				</div>
			</Panel>
			<Panel title="Checks, size and entries">
				<div className="fields">
					<ChoiceField
						title="Checked every"
						options={intervals}
						value={values.interval_minutes}
						problem={problems.get('interval_minutes')}
						onChange={(interval_minutes) => change({ interval_minutes })}
					/>
					<ChoiceField
						title="Interval in volatility"
						hint="Shorter in high volatility, longer in low"
						options={[
							['false', 'Stays as it is'],
							['true', 'Adapts'],
						]}
						value={values.is_adaptive}
						problem={problems.get('is_adaptive')}
						onChange={(is_adaptive) => change({ is_adaptive })}
					/>
					<ChoiceField
						title="Sizing"
						options={sizings}
						value={values.sizing}
						problem={problems.get('sizing')}
						onChange={(sizing) => change({ sizing })}
					/>
					<TextField
						title="Size"
						hint={sizingHints[values.sizing]}
						value={values.sizing_value}
						problem={problems.get('sizing_value')}
						onChange={(sizing_value) => change({ sizing_value })}
						isNumber
					/>
					<TextField
						title="Leverage"
						value={values.leverage}
						problem={problems.get('leverage')}
						onChange={(leverage) => change({ leverage })}
						isNumber
					/>
					<TextField
						title="Largest position"
						hint="In the settlement asset; empty: only the account's limits hold"
						value={values.max_position_notional}
						problem={problems.get('max_position_notional')}
						onChange={(max_position_notional) => change({ max_position_notional })}
						isNumber
					/>
					<ChoiceField
						title="Entries are sent"
						hint="Closes and stops are sent at once either way"
						options={[
							['AUTO', 'At once'],
							['CONFIRM', 'After somebody approved'],
						]}
						value={values.execution}
						problem={problems.get('execution')}
						onChange={(execution) => change({ execution })}
					/>
				</div>
			</Panel>
			{parameters.length === 0 ? null : (
				<Panel title="Parameters" note={parametersNote}>
					<ParameterFields fields={parameters} entered={entered} problems={parameterProblems} onEnter={onEnter} />
				</Panel>
			)}
			<div className="form-end">
				<span role="alert" className="bad">
					{saving.error === null ? (wrong.length > 0 ? summaryOf(wrong) : '') : saving.error.message}
				</span>
				<a className="button" href={cancelHref}>
					Cancel
				</a>
				<button type="submit" className="primary" disabled={saving.isPending}>
					{submit}
				</button>
			</div>
		</form>
	);
}

const summaryOf = (wrong: readonly Wrong[]): string =>
	wrong.every(({ field }) => field === '')
		? 'Nothing is changed.'
		: wrong.length === 1
			? 'One field needs your attention.'
			: `${wrong.length} fields need your attention.`;
