/** Where a cycle's time goes: every statement is timed under the name of the function or table that it calls. */
import { performance } from 'node:perf_hooks';
import type { Pool } from '../../src/database/pool.ts';

export interface Profile {
	readonly pool: Pool;
	/** Statements since the last call, the costliest first: name, calls, milliseconds. */
	take(): readonly { readonly name: string; readonly calls: number; readonly ms: number }[];
}

export function profiled(pool: Pool): Profile {
	const entries = new Map<string, { calls: number; ms: number }>();
	const timed = async (...args: unknown[]): Promise<unknown> => {
		const begun = performance.now();
		try {
			return await (pool.query as (...given: unknown[]) => Promise<unknown>).apply(pool, args);
		} finally {
			const name = nameOf(typeof args[0] === 'string' ? args[0] : '');
			const entry = entries.get(name) ?? { calls: 0, ms: 0 };
			entries.set(name, { calls: entry.calls + 1, ms: entry.ms + performance.now() - begun });
		}
	};
	const proxy = new Proxy(pool, {
		get: (target, property) => (property === 'query' ? timed : Reflect.get(target, property, target)),
	});
	return {
		pool: proxy,
		take: () => {
			const taken = [...entries].map(([name, entry]) => ({ name, ...entry })).sort((a, b) => b.ms - a.ms);
			entries.clear();
			return taken;
		},
	};
}

function nameOf(text: string): string {
	const ours = /\bbotbox\.(\w+)\(/.exec(text)?.[1];
	if (ours !== undefined) return ours;
	const job = /\b(insert into|delete from|update)\s+pgboss\.\w+/i.exec(text)?.[1];
	return job === undefined ? 'other' : `pg-boss: ${job.toLowerCase()}`;
}
