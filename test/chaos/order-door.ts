/**
 * The door of the exchange: at each order that a worker sends, the books are looked at in that moment. The order's row must be
 * committed, and its sender must hold the trade. One sender is killed there, after the exchange took its order and before it hears so.
 */
import { broken, type Finding } from './books.ts';
import type { OrderWatch, SimulatedWorker } from './simulated-crew.ts';
import type { SimulatedStage } from './simulated-stage.ts';

export class OrderDoor implements OrderWatch {
	/** Set once there is one. */
	stage: SimulatedStage | undefined;
	/** How many senders are to die, and which order is the first to do it. */
	private readonly fatal: { left: number; afterOrders: number };
	private orders = 0;
	isQuiet = false;
	killed = 0;
	readonly violations: Finding[] = [];

	constructor(fatal: { readonly left: number; readonly afterOrders: number }) {
		this.fatal = { ...fatal };
	}

	async sent(worker: SimulatedWorker, clientOrderId: string): Promise<void> {
		if (this.stage === undefined) return;
		const { pool, clock } = this.stage;
		const now = new Date(clock());
		const { rows } = await pool.query<{ is_held: boolean }>(
			`select t.status = 'EXECUTING' and t.claimed_by = $2 and t.claimed_until > $3 as is_held, t.status, t.claimed_by, t.claimed_until
			   from botbox.orders o join botbox.trade_queue t on t.id = o.trade_id where o.client_order_id = $1`,
			[clientOrderId, worker.name, now],
		);
		const [order] = rows;
		const sample = { clientOrderId, worker: worker.name, at: now, ...order };
		if (order === undefined) this.violations.push(...broken('no order is sent before its row is committed', [sample]));
		else if (!order.is_held)
			this.violations.push(...broken('no order is sent by whoever does not hold its trade', [sample]));
	}

	isFatal(_worker: SimulatedWorker, clientOrderId: string): boolean {
		this.orders += 1;
		if (this.stage === undefined || this.isQuiet || this.fatal.left === 0 || this.orders < this.fatal.afterOrders)
			return false;
		if (!this.stage.simulator.orders().some(({ orderLinkId }) => orderLinkId === clientOrderId)) return false;
		this.fatal.left -= 1;
		this.killed += 1;
		return true;
	}

	get isOver(): boolean {
		return this.fatal.left === 0;
	}
}
