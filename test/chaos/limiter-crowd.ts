/** Processes that ask the limiter at once, and what may be said of their grants together. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface AskerOrders {
	readonly url: string;
	readonly way: 'gate' | 'acquire_call' | 'rate-limiter-flexible' | 'row update';
	/** Calls that one round trip asks for; `acquire_call` only. */
	readonly calls: number;
	/** When its first close comes, so that those of all processes are spread. */
	readonly offsetMs: number;
}

export interface AskerReport {
	readonly granted: number;
	/** When each call was sent, epoch ms; of the gate only. */
	readonly reads: readonly number[];
	/** How long each close waited for its grant. */
	readonly closes: readonly { readonly at: number; readonly waitedMs: number }[];
}

export interface CrowdOptions {
	readonly url: string;
	readonly way: AskerOrders['way'];
	readonly processes: number;
	readonly seconds: number;
	readonly calls?: number;
}

const asker = fileURLToPath(new URL('limiter-asker.ts', import.meta.url));

/** All begin together once all are there; one report each. */
export async function gatherAskers({ url, way, processes, seconds, calls = 1 }: CrowdOptions): Promise<AskerReport[]> {
	const children: ChildProcess[] = [];
	const end = (): void => {
		for (const child of children) child.kill('SIGKILL');
	};
	process.once('exit', end);
	try {
		const ready: Promise<unknown>[] = [];
		for (let n = 0; n < processes; n += 1) {
			const orders: AskerOrders = { url, way, calls, offsetMs: (n * 1_000) / processes };
			const child = fork(asker, [JSON.stringify(orders)], { execArgv: [] });
			children.push(child);
			ready.push(message(child));
		}
		await Promise.all(ready);
		const endsAt = Date.now() + seconds * 1_000;
		return await Promise.all(
			children.map(async (child) => {
				const told = message(child);
				child.send({ endsAt });
				return (await told) as AskerReport;
			}),
		);
	} finally {
		process.off('exit', end);
		end();
	}
}

async function message(child: ChildProcess): Promise<unknown> {
	const failed = once(child, 'exit').then(([code]) => {
		throw new Error(`an asker ended with ${code}`);
	});
	failed.catch(() => undefined);
	const [said] = await Promise.race([once(child, 'message'), failed]);
	return said;
}

/** Most of the times that lie within one window of this length, wherever it begins. */
export function worstWindow(times: readonly number[], windowMs: number): number {
	const sorted = [...times].sort((left, right) => left - right);
	let worst = 0;
	let from = 0;
	for (const [index, at] of sorted.entries()) {
		while (at - (sorted[from] ?? at) >= windowMs) from += 1;
		worst = Math.max(worst, index - from + 1);
	}
	return worst;
}
