/**
 * What changed, told by the API as server-sent events: lists that show it are asked for anew at once, and polled the less while
 * the stream is there. Without a stream everything is polled as ever.
 */
import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';

/** Topic of an event to the lists that show it, by the last part of their paths. */
const listsOf: Readonly<Record<string, readonly string[]>> = {
	checks: ['checks', 'bot', 'bots'],
	signals: ['signals', 'rejection-reasons', 'bot'],
	trades: ['trades', 'approvals', 'bot'],
	orders: ['orders'],
	positions: ['positions', 'bot', 'bots'],
	// A step that is held back is an alert, too.
	alerts: ['alerts', 'overview', 'rollouts', 'rollout-steps'],
};
/** Changes within this time are one. */
const gatherMs = 400;
/** After the API refused a stream, one is asked for again so much later. */
const againMs = 30_000;
const relaxedBy = 5;

let isStreaming = false;

/** How long until a list is asked for anew, if nothing is told before. */
export const pollEvery = (ms: number): number => (isStreaming ? relaxedBy * ms : ms);

/** Follows the stream while `isWanted`: whoever may not read the overview gets no stream either. */
export function useLiveEvents(isWanted: boolean): void {
	const queries = useQueryClient();
	useEffect(() => {
		if (!isWanted) return;
		const changed = new Set<string>();
		let gathering: ReturnType<typeof setTimeout> | undefined;
		let again: ReturnType<typeof setTimeout> | undefined;
		let source: EventSource;
		const flush = (): void => {
			gathering = undefined;
			const lists = new Set([...changed].flatMap((topic) => listsOf[topic] ?? []));
			changed.clear();
			void queries.invalidateQueries({
				predicate: ({ queryKey: [path] }) => lists.has(String(path).split('/').at(-1) ?? ''),
			});
		};
		const open = (): void => {
			source = new EventSource('/api/v1/events');
			source.addEventListener('open', () => {
				isStreaming = true;
			});
			source.addEventListener('error', () => {
				isStreaming = false;
				// The browser itself connects again unless it was refused.
				if (source.readyState === EventSource.CLOSED) again = setTimeout(open, againMs);
			});
			source.addEventListener('reset', () => void queries.invalidateQueries());
			for (const topic of Object.keys(listsOf)) {
				source.addEventListener(topic, () => {
					changed.add(topic);
					gathering ??= setTimeout(flush, gatherMs);
				});
			}
		};
		open();
		return () => {
			source.close();
			clearTimeout(gathering);
			clearTimeout(again);
			isStreaming = false;
		};
	}, [isWanted, queries]);
}
