/** A button whose deed is confirmed in a dialog first: what will happen, what has to be said for it, and the refusal if there is one. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, type SubmitEvent, useId, useRef, useState } from 'react';

interface ActionDialogProps {
	readonly button: ReactNode;
	readonly className?: string;
	/** `wide` where the form has many fields. */
	readonly dialogClass?: string;
	readonly disabled?: boolean;
	/** For readers of the screen, where the button's text alone does not say of what. */
	readonly label?: string;
	readonly title: string;
	/** What will happen, and the fields. */
	readonly children: ReactNode;
	readonly confirm: string;
	readonly isDanger?: boolean;
	/** Its refusal stays in the dialog; once it is done the dialog closes and everything is asked for anew. */
	readonly run: (fields: FormData) => Promise<unknown>;
}

export function ActionDialog(props: ActionDialogProps) {
	const { button, className, dialogClass, disabled = false, label, title } = props;
	const dialog = useRef<HTMLDialogElement>(null);
	const titleId = useId();
	// What was entered or refused before is not of the next time.
	const [opened, setOpened] = useState(0);
	return (
		<>
			<button
				type="button"
				className={className}
				disabled={disabled}
				aria-label={label}
				aria-haspopup="dialog"
				onClick={() => {
					setOpened(opened + 1);
					dialog.current?.showModal();
				}}
			>
				{button}
			</button>
			<dialog ref={dialog} className={dialogClass} aria-labelledby={titleId}>
				<h2 id={titleId}>{title}</h2>
				{opened === 0 ? null : <ActionForm key={opened} {...props} onDone={() => dialog.current?.close()} />}
			</dialog>
		</>
	);
}

function ActionForm({ children, confirm, isDanger = false, run, onDone }: ActionDialogProps & { onDone: () => void }) {
	const queries = useQueryClient();
	const action = useMutation({
		mutationFn: run,
		onSuccess: onDone,
		onSettled: () => void queries.invalidateQueries(),
	});
	const submit = (event: SubmitEvent<HTMLFormElement>): void => {
		event.preventDefault();
		action.mutate(new FormData(event.currentTarget));
	};
	return (
		<form onSubmit={submit}>
			{children}
			{action.isError ? (
				<p className="bad" role="alert">
					{action.error.message}
				</p>
			) : null}
			<div className="buttons">
				<button type="button" onClick={onDone}>
					Cancel
				</button>
				<button type="submit" className={isDanger ? 'danger' : 'primary'} disabled={action.isPending}>
					{confirm}
				</button>
			</div>
		</form>
	);
}

/** A line of text of the form; an empty one counts as missing. */
export function textOf(fields: FormData, name: string): string {
	const value = fields.get(name);
	return typeof value === 'string' ? value.trim() : '';
}

export function ReasonField({ placeholder }: { readonly placeholder?: string }) {
	const id = useId();
	return (
		<div className="field">
			<label htmlFor={id}>Reason</label>
			<input id={id} name="reason" required maxLength={200} autoComplete="off" placeholder={placeholder} />
		</div>
	);
}
