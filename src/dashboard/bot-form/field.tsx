import { type ReactNode, useId } from 'react';

interface FieldProps {
	readonly title: string;
	/** What it means; beside it while nothing is wrong. */
	readonly hint?: string | undefined;
	readonly problem?: string | undefined;
	/** The control, with the properties that tie it to its title and its problem. */
	readonly children: (control: {
		readonly id: string;
		readonly 'aria-invalid': boolean;
		readonly 'aria-describedby': string;
	}) => ReactNode;
}

export function Field({ title, hint, problem, children }: FieldProps) {
	const id = useId();
	const noteId = `${id}-note`;
	return (
		<div className="field">
			<label htmlFor={id}>{title}</label>
			{children({ id, 'aria-invalid': problem !== undefined, 'aria-describedby': noteId })}
			<small id={noteId} className={problem === undefined ? undefined : 'bad'}>
				{problem ?? hint ?? ''}
			</small>
		</div>
	);
}

interface ChoiceFieldProps {
	readonly title: string;
	readonly hint?: string | undefined;
	readonly problem?: string | undefined;
	readonly options: readonly (readonly [string, string])[];
	readonly value: string;
	readonly onChange: (value: string) => void;
}

export function ChoiceField({ options, value, onChange, ...field }: ChoiceFieldProps) {
	return (
		<Field {...field}>
			{(control) => (
				<select {...control} value={value} onChange={(event) => onChange(event.target.value)}>
					{options.map(([each, title]) => (
						<option key={each} value={each}>
							{title}
						</option>
					))}
				</select>
			)}
		</Field>
	);
}

interface TextFieldProps {
	readonly title: string;
	readonly hint?: string | undefined;
	readonly problem?: string | undefined;
	readonly value: string;
	readonly onChange: (value: string) => void;
	readonly isNumber?: boolean;
	readonly placeholder?: string;
}

export function TextField({ value, onChange, isNumber = false, placeholder, ...field }: TextFieldProps) {
	return (
		<Field {...field}>
			{(control) => (
				<input
					{...control}
					type="text"
					inputMode={isNumber ? 'decimal' : 'text'}
					autoComplete="off"
					spellCheck={false}
					placeholder={placeholder}
					className={isNumber ? 'number' : undefined}
					value={value}
					onChange={(event) => onChange(event.target.value)}
				/>
			)}
		</Field>
	);
}
