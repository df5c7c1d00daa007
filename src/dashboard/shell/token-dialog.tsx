import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type SubmitEvent, useId, useRef, useState } from 'react';
import { endSession, logIn, useIsLoggedIn } from '../api/session.ts';

export function TokenButton() {
	const dialog = useRef<HTMLDialogElement>(null);
	const queries = useQueryClient();
	const isLoggedIn = useIsLoggedIn();
	if (isLoggedIn) {
		const logOut = () => void endSession().then(() => queries.invalidateQueries());
		return (
			<button type="button" className="quiet" onClick={logOut}>
				Log out
			</button>
		);
	}
	return (
		<>
			<button type="button" className="quiet" onClick={() => dialog.current?.showModal()}>
				Log in
			</button>
			<dialog ref={dialog} aria-labelledby="token-title">
				<TokenForm onDone={() => dialog.current?.close()} />
			</dialog>
		</>
	);
}

function TokenForm({ onDone }: { readonly onDone: () => void }) {
	const [text, setText] = useState('');
	const fieldId = useId();
	const queries = useQueryClient();
	const entry = useMutation({
		mutationFn: logIn,
		onSuccess: () => {
			setText('');
			onDone();
			void queries.invalidateQueries();
		},
	});
	const submit = (event: SubmitEvent<HTMLFormElement>): void => {
		event.preventDefault();
		if (text.trim() !== '') entry.mutate(text.trim());
	};
	return (
		<form onSubmit={submit}>
			<h2 id="token-title">Log in</h2>
			<p>
				A token of role operator lets you check, pause and resume bots.{' '}
				<code>botbox tokens create --role operator</code> makes one. The token itself is not kept.
			</p>
			<label htmlFor={fieldId}>Token</label>
			<input
				id={fieldId}
				type="password"
				autoComplete="off"
				spellCheck={false}
				required
				value={text}
				aria-invalid={entry.isError}
				onChange={(event) => setText(event.target.value)}
			/>
			{entry.isError ? (
				<p className="bad" role="alert">
					{entry.error.message}
				</p>
			) : null}
			<div className="buttons">
				<button type="button" onClick={onDone}>
					Cancel
				</button>
				<button type="submit" className="primary" disabled={entry.isPending}>
					Log in
				</button>
			</div>
		</form>
	);
}
