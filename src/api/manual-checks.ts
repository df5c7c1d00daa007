/**
 * Waits for the answers to requested checks. `record_checks` notifies `botbox_manual_checks` with the bot and the time that
 * names the check; who asked looks at the check's row then, and every half second anyway, since a notification may be lost.
 */

export interface ManualChecks {
	/** Resolves at the check's notification, or after `timeoutMs`, whichever is first. */
	wait(botId: number, requestedAtMs: number, timeoutMs: number): Promise<void>;
	close(): Promise<void>;
}

export const manualCheckChannel = 'botbox_manual_checks';

/** A waiter that notifications are handed to; `notify` takes the payload `<bot id> <epoch seconds>`. */
export function createManualChecks(): ManualChecks & { notify(payload: string): void } {
	const waiting = new Map<string, Set<() => void>>();
	return {
		wait: (botId, requestedAtMs, timeoutMs) => {
			const key = `${botId} ${requestedAtMs}`;
			const { promise, resolve } = Promise.withResolvers<void>();
			const others = waiting.get(key) ?? new Set();
			waiting.set(key, others.add(resolve));
			const timer = setTimeout(resolve, timeoutMs);
			return promise.finally(() => {
				clearTimeout(timer);
				others.delete(resolve);
				if (others.size === 0) waiting.delete(key);
			});
		},
		notify: (payload) => {
			const [botId, seconds] = payload.split(' ');
			for (const wake of waiting.get(`${botId} ${Math.round(Number(seconds) * 1_000)}`) ?? []) wake();
		},
		close: async () => {},
	};
}
