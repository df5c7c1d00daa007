/** The access token: kept for this browser tab only, gone when it closes. */
import { useSyncExternalStore } from 'react';

const key = 'botbox.token';
const listeners = new Set<() => void>();

export function currentToken(): string | null {
	return sessionStorage.getItem(key);
}

export function keepToken(token: string | null): void {
	if (token === null) sessionStorage.removeItem(key);
	else sessionStorage.setItem(key, token);
	for (const listener of listeners) listener();
}

export function useToken(): string | null {
	return useSyncExternalStore(subscribe, currentToken);
}

function subscribe(listener: () => void): () => void {
	listeners.add(listener);
	return () => listeners.delete(listener);
}
