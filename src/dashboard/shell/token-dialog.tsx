import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type SubmitEvent, useId, useRef, useState } from 'react';
import { ApiError, getJson } from '../api/client.ts';
import { endSession, useIsLoggedIn } from '../api/session.ts';
import { keepToken, useToken } from '../api/token.ts';

export function TokenButton() {
	const token = useToken();
	const dialog = useRef<HTMLDialogElement>(null);
	const queries = useQueryClient();
	const isLoggedIn = useIsLoggedIn();
	if (isLoggedIn && token === null) {
		const logOut = () => void endSession().then(() => queries.invalidateQueries());
		return (
			<button type="button" className="quiet" onClick={logOut}>
				Log out
			</button>
		);
	}
	return (
		<>
			{token === null ? (
				<button type="button" className="quiet" onClick={() => dialog.current?.showModal()}>
					Enter token
				</button>
			) : (
				<button
					type="button"
					className="quiet"
					onClick={() => {
						keepToken(null);
						void queries.invalidateQueries();
					}}
				>
					Forget token
				</button>
			)}
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
		mutationFn: async (token: string) => {
			// Nothing is kept that the API would refuse.
			await getJson('overview', {}, undefined, token);
			keepToken(token);
		},
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
			<h2 id="token-title">Enter a token</h2>
			<p>
				A token of role operator lets you check, pause and resume bots.{' '}
				<code>botbox tokens create --role operator</code> makes one. It is kept in this tab only.
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
					{entry.error instanceof ApiError && entry.error.status === 401
						? 'This token is unknown, expired or revoked.'
						: entry.error.message}
				</p>
			) : null}
			<div className="buttons">
				<button type="button" onClick={onDone}>
					Cancel
				</button>
				<button type="submit" className="primary" disabled={entry.isPending}>
					Use token
				</button>
			</div>
		</form>
	);
}
