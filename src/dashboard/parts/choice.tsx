/** One of a few, all seen at once; and one of many. */
import { useId } from 'react';

interface ChoiceProps {
	readonly legend: string;
	/** Value and what it is called. */
	readonly options: readonly (readonly [string, string])[];
	readonly value: string;
	readonly onChange: (value: string) => void;
}

export function Choice({ legend, options, value, onChange }: ChoiceProps) {
	return (
		<fieldset className="choice">
			<legend className="hidden">{legend}</legend>
			{options.map(([each, title]) => (
				<button key={each} type="button" aria-pressed={each === value} onClick={() => onChange(each)}>
					{title}
				</button>
			))}
		</fieldset>
	);
}

export function Select({ legend, options, value, onChange }: ChoiceProps) {
	const id = useId();
	return (
		<>
			<label className="hidden" htmlFor={id}>
				{legend}
			</label>
			<select id={id} value={value} onChange={(event) => onChange(event.target.value)}>
				{options.map(([each, title]) => (
					<option key={each} value={each}>
						{title}
					</option>
				))}
			</select>
		</>
	);
}
