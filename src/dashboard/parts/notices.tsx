/** What an action came to, said once at the edge of the page and to readers of the screen, gone by itself. */
import { useSyncExternalStore } from 'react';

interface Notice {
	readonly id: number;
	readonly text: string;
	readonly tone: 'good' | 'bad';
}

const shownMs = 8_000;
let notices: readonly Notice[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

export function notify(text: string, tone: Notice['tone'] = 'good'): void {
	lastId += 1;
	const id = lastId;
	change([...notices.slice(-3), { id, text, tone }]);
	setTimeout(() => change(notices.filter((notice) => notice.id !== id)), shownMs);
}

function change(next: readonly Notice[]): void {
	notices = next;
	for (const listener of listeners) listener();
}

export function Notices() {
	const shown = useSyncExternalStore(subscribe, () => notices);
	return (
		<div className="notices" role="status" aria-live="polite">
			{shown.map(({ id, text, tone }) => (
				<p key={id} className={tone}>
					{text}
				</p>
			))}
		</div>
	);
}

function subscribe(listener: () => void): () => void {
	listeners.add(listener);
	return () => listeners.delete(listener);
}
