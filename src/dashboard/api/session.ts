/**
 * The browser's session: a cookie that scripts cannot read, and beside it the CSRF token that every change carries. A login link
 * brings its code behind `#`; it is handed in once, and gone from the address before anything else happens.
 */
import { useSyncExternalStore } from 'react';

interface Session {
	readonly role: string;
	readonly csrf_token: string | null;
}

/** The page is shown without it then: whoever has no session may still read. */
const answerWithinMs = 10_000;

let current: Session | null = null;
/** Why the login link in the address let nobody in. */
let linkProblem: string | null = null;
const listeners = new Set<() => void>();
const address = (): URL => new URL('api/v1/session', document.baseURI);

export function csrfHeader(): Record<string, string> {
	return current === null || current.csrf_token === null ? {} : { 'x-csrf-token': current.csrf_token };
}

/** Whether this browser may change something: the role of its session, as the API told it; the API decides anew each time. */
export function useMayChange(): boolean {
	return useSyncExternalStore(subscribe, () => current?.csrf_token != null && current.role !== 'viewer');
}

/** Whether this browser is logged in by cookie. */
export function useIsLoggedIn(): boolean {
	return useSyncExternalStore(subscribe, () => current?.csrf_token != null);
}

/** What kept a login link from logging anybody in; null once somebody is. */
export function useLinkProblem(): string | null {
	return useSyncExternalStore(subscribe, () => (current?.csrf_token == null ? linkProblem : null));
}

/** Uses the login link in the address, if there is one, and finds out who is asking. Never fails: without a session one may read. */
export async function beginSession(): Promise<void> {
	const code = /^#\/login\/([\w-]+)$/.exec(window.location.hash)?.[1];
	if (code !== undefined) {
		window.history.replaceState(null, '', '#/');
		await open({ login_code: code }).then(
			() => {
				linkProblem = current === null ? 'It was used before, or is older than 30 minutes.' : null;
			},
			() => {
				linkProblem = 'The API did not answer.';
			},
		);
	}
	if (current === null)
		keep(await ask(fetch(address(), { signal: AbortSignal.timeout(answerWithinMs) })).catch(() => null));
}

/** Logs in with a token. It is not kept: the API answers with a cookie. Fails with what the API says against it. */
export async function logIn(token: string): Promise<void> {
	await open({ token });
	if (current === null) throw new Error('This token is unknown, expired or revoked.');
}

export async function endSession(): Promise<void> {
	await fetch(address(), { method: 'DELETE', headers: csrfHeader() }).catch(() => undefined);
	keep(null);
}

async function open(body: object): Promise<void> {
	const headers = { 'content-type': 'application/json' };
	const signal = AbortSignal.timeout(answerWithinMs);
	keep(await ask(fetch(address(), { method: 'POST', headers, signal, body: JSON.stringify(body) })));
}

async function ask(answer: Promise<Response>): Promise<Session | null> {
	const response = await answer;
	return response.ok ? ((await response.json()) as Session) : null;
}

function keep(session: Session | null): void {
	current = session;
	for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
	listeners.add(listener);
	return () => listeners.delete(listener);
}
