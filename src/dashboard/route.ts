/** Where in the page one is, kept in the address behind `#`, so that a view can be linked and the back button works. */
import { useSyncExternalStore } from 'react';

export type Route =
	| { readonly view: 'overview'; readonly section: string | null }
	| { readonly view: 'bot'; readonly botId: number };

export const botHref = (botId: number): string => `#/bots/${botId}`;

export function useRoute(): Route {
	const hash = useSyncExternalStore(subscribe, () => window.location.hash);
	return readRoute(hash);
}

export function readRoute(hash: string): Route {
	const bot = /^#\/bots\/([1-9]\d{0,15})$/.exec(hash);
	if (bot !== null) return { view: 'bot', botId: Number(bot[1]) };
	const section = /^#\/([a-z]+)$/.exec(hash);
	return { view: 'overview', section: section?.[1] ?? null };
}

function subscribe(listener: () => void): () => void {
	window.addEventListener('hashchange', listener);
	return () => window.removeEventListener('hashchange', listener);
}
