/** Faults on demand: what strikes which request. They are part of the state, so that a restart does not forgive them. */
import { z } from 'zod';
import { type Fault, type FaultKind, faultKinds, type Order } from '../state/entities.ts';
import type { Store } from '../state/store.ts';

export const faultRequest = z
	.object({
		kind: z.enum(faultKinds),
		count: z.number().int().positive().default(1),
		endpoint: z.string().min(1).optional(),
		apiKey: z.string().min(1).optional(),
		category: z.enum(['spot', 'linear']).optional(),
		symbol: z.string().min(1).optional(),
		ms: z.number().optional(),
		after: z.boolean().optional(),
		status: z.number().int().min(500).max(599).optional(),
		ratio: z.number().gt(0).lt(1).optional(),
	})
	.strict();
export type FaultRequest = z.input<typeof faultRequest>;

/** These strike market orders, not requests. */
const fillKinds: readonly FaultKind[] = ['partial_fill', 'no_fill', 'insufficient_funds'];
const standardRatio = 0.5;
const standardSkewMs = 10_000;
const standardSlowMs = 2_000;

export class Faults {
	private readonly store: Store;

	constructor(store: Store) {
		this.store = store;
	}

	add(request: z.output<typeof faultRequest>): Fault {
		const defaults: Partial<Record<FaultKind, Partial<Fault>>> = {
			partial_fill: { ratio: request.ratio ?? standardRatio },
			clock_skew: { ms: request.ms ?? standardSkewMs },
			slow: { ms: request.ms ?? standardSlowMs },
			http_5xx: { status: request.status ?? 502 },
		};
		const fault = { ...request, ...defaults[request.kind], id: this.store.nextSequence() };
		this.store.faults.push(fault);
		this.store.changedFaults();
		return fault;
	}

	clear(): void {
		this.store.faults = [];
		this.store.changedFaults();
	}

	/** The first fault that strikes this request, one strike of it used up. */
	forRequest(path: string, apiKey: string, input: unknown): Fault | undefined {
		return this.take((fault) => {
			if (fillKinds.includes(fault.kind)) return false;
			if (fault.endpoint !== undefined && !path.includes(fault.endpoint)) return false;
			return isOf(fault, { ...(typeof input === 'object' ? input : {}), apiKey });
		});
	}

	forOrder(kind: FaultKind, order: Order): Fault | undefined {
		return this.take((fault) => fault.kind === kind && isOf(fault, order));
	}

	private take(strikes: (fault: Fault) => boolean): Fault | undefined {
		const fault = this.store.faults.find(strikes);
		if (fault === undefined) return undefined;
		fault.count -= 1;
		if (fault.count <= 0) this.store.faults = this.store.faults.filter((other) => other !== fault);
		this.store.changedFaults();
		return fault;
	}
}

/** Whether the fault is for this key and market; what it does not name it does not look at. */
function isOf(fault: Fault, struck: { apiKey: string; category?: unknown; symbol?: unknown }): boolean {
	return (['apiKey', 'category', 'symbol'] as const).every((field) => {
		return fault[field] === undefined || fault[field] === struck[field];
	});
}
