import * as numbers from '../format/numbers.ts';
import { words } from '../format/words.ts';
import { ChoiceField, TextField } from './field.tsx';
import { choicesOf, isNumeric, type ParameterField, textOfValue } from './parameters.ts';

interface ParameterFieldsProps {
	readonly fields: readonly ParameterField[];
	readonly entered: ReadonlyMap<string, string>;
	/** By path. */
	readonly problems: ReadonlyMap<string, string>;
	readonly onEnter: (path: string, text: string) => void;
}

/** One field for each parameter: it shows the default until another value is entered. */
export function ParameterFields({ fields, entered, problems, onEnter }: ParameterFieldsProps) {
	return (
		<div className="fields narrow">
			{fields.map(({ path, schema, fallback }) => {
				const text = entered.get(path) ?? textOfValue(fallback);
				const isChanged = entered.has(path) && text !== textOfValue(fallback);
				const shared = {
					title: path.split('.').map(words).join(' · '),
					problem: problems.get(path),
					hint: isChanged ? `default ${textOfValue(fallback) || 'none'}` : schema.description,
					value: text,
					onChange: (value: string) => onEnter(path, value),
				};
				const choices = choicesOf(schema);
				return choices === null ? (
					<TextField key={path} {...shared} isNumber={isNumeric(schema)} placeholder={numbers.none} />
				) : (
					<ChoiceField
						key={path}
						{...shared}
						options={choices.map((choice) => [String(choice), choiceText(choice)] as const)}
					/>
				);
			})}
		</div>
	);
}

const choiceText = (choice: unknown): string => (choice === true ? 'Yes' : choice === false ? 'No' : String(choice));
