/**
 * A clock that several processes share: eight bytes of a file, written by the drill alone. It is read anew at every look, so
 * that a process that was stopped for minutes sees the present in its very next instruction, as on a real machine.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

export interface SharedClock {
	(): number;
	/** Epoch milliseconds; never backwards. */
	set(ms: number): void;
	close(): void;
}

export function makeSharedClock(path: string, startMs: number): SharedClock {
	const file = openSync(path, 'w+');
	const buffer = Buffer.alloc(8);
	let nowMs = startMs;
	const clock = Object.assign(() => nowMs, {
		set: (ms: number) => {
			nowMs = Math.max(nowMs, ms);
			buffer.writeDoubleLE(nowMs);
			writeSync(file, buffer, 0, 8, 0);
		},
		close: () => closeSync(file),
	});
	clock.set(startMs);
	return clock;
}

export function readSharedClock(path: string): () => number {
	const file = openSync(path, 'r');
	const buffer = Buffer.alloc(8);
	return () => {
		readSync(file, buffer, 0, 8, 0);
		return buffer.readDoubleLE(0);
	};
}
