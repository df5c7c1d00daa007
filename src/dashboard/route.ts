/** Where in the page one is, kept in the address behind `#`, so that a view can be linked and the back button works. */
import { useSyncExternalStore } from 'react';

export const views = [
	'overview',
	'bots',
	'signals',
	'queue',
	'positions',
	'risk',
	'exchanges',
	'strategies',
	'alerts',
] as const;
export type View = (typeof views)[number];

export type Route =
	| { readonly view: View }
	| { readonly view: 'bot'; readonly botId: number }
	| { readonly view: 'edit-bot'; readonly botId: number }
	| { readonly view: 'new-bot' }
	| { readonly view: 'missing' };

export const botHref = (botId: number): string => `#/bots/${botId}`;
export const viewHref = (view: View): string => (view === 'overview' ? '#/' : `#/${view}`);

export function useRoute(): Route {
	return readRoute(useHash());
}

export function readRoute(hash: string): Route {
	const path = hash.split('?')[0] ?? '';
	if (path === '' || path === '#' || path === '#/') return { view: 'overview' };
	if (path === '#/bots/new') return { view: 'new-bot' };
	const bot = /^#\/bots\/([1-9]\d{0,15})(\/edit)?$/.exec(path);
	if (bot !== null) return { view: bot[2] === undefined ? 'bot' : 'edit-bot', botId: Number(bot[1]) };
	const view = views.find((each) => path === `#/${each}`);
	return { view: view ?? 'missing' };
}

/** A filter that is part of the address, so that what one looks at can be sent to somebody; '' where it is not set. */
export function useFilter(name: string): [string, (value: string) => void] {
	const [path = '', query = ''] = useHash().split('?');
	const set = (value: string): void => {
		const next = new URLSearchParams(query);
		if (value === '') next.delete(name);
		else next.set(name, value);
		const text = next.toString();
		// Replaced: the back button leads to the view before, not through every filter.
		history.replaceState(null, '', `${path === '' ? '#/' : path}${text === '' ? '' : `?${text}`}`);
		window.dispatchEvent(new HashChangeEvent('hashchange'));
	};
	return [new URLSearchParams(query).get(name) ?? '', set];
}

function useHash(): string {
	return useSyncExternalStore(subscribe, () => window.location.hash);
}

function subscribe(listener: () => void): () => void {
	window.addEventListener('hashchange', listener);
	return () => window.removeEventListener('hashchange', listener);
}
