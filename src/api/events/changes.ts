/** Tells listeners in this process what the database notifies the API of; fed by one LISTEN connection. */

export const changeChannel = 'botbox_events';
/** A notification that tokens or sessions were revoked; any other is a reason to look for changes now. */
export const accessChanged = 'access';

export interface Changes {
	/** Answers a function that ends the listening. */
	subscribe(listener: (what: string) => void): () => void;
}

export function createChanges(): Changes & { notify(what: string): void } {
	const listeners = new Set<(what: string) => void>();
	return {
		subscribe: (listener) => {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		notify: (what) => {
			for (const listener of listeners) listener(what);
		},
	};
}
