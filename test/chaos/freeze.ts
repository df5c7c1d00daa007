/**
 * The freeze of the mixed drill: a worker stands still (SIGSTOP) after the row of an entry was committed and before the order is sent.
 * Its lease ends, the other worker takes the trade and asks for the order, a person pauses the bot, and the entry ends at its time.
 * Then the worker goes on, with a committed row, an exchange that is well and nothing but its lease to tell it that it is late.
 */
import { type Finding, finding } from './books.ts';
import type { Crash, SimulatedWorker } from './simulated-crew.ts';
import type { SimulatedStage } from './simulated-stage.ts';

export class Freeze {
	private readonly stage: SimulatedStage;
	private frozen:
		| { readonly worker: SimulatedWorker; readonly tradeIds: readonly string[]; readonly untilMs: number }
		| undefined;
	private readonly log: (line: string) => void;
	private readonly outlived: string[] = [];
	/** A worker has stood still until an entry of its had ended, and went on. */
	isOver = false;

	constructor(stage: SimulatedStage, log: (line: string) => void) {
		this.stage = stage;
		this.log = log;
	}

	/** For an execution of trades. */
	plan(): Crash | undefined {
		if (this.isOver || this.frozen !== undefined) return undefined;
		return { point: 'execute:after-submit', passing: 1, signal: 'SIGSTOP' };
	}

	/** A worker stands still. If it holds no entry that the exchange would take, it goes on at once. */
	async begin(worker: SimulatedWorker): Promise<void> {
		const { pool, clock, liveAccountId } = this.stage;
		const { rows } = await pool.query<{ id: string; bot_id: number; expires_at: Date }>(
			`select t.id, t.bot_id, t.expires_at from botbox.trade_queue t join botbox.orders o on o.trade_id = t.id
			  where t.status = 'EXECUTING' and t.claimed_by = $1 and t.direction <> 'CLOSE' and t.account_id = $2
			    and o.status = 'SUBMITTING' and o.not_accepted_at is null`,
			[worker.name, liveAccountId],
		);
		if (rows.length === 0) return await worker.resume();
		for (const { bot_id } of rows) {
			await pool.query(
				`select botbox.pause_entries(p_scope => 'BOT', p_bot_id => $1, p_reason => 'drill', p_lifts_at => $2, p_now => $3)`,
				[bot_id, new Date(clock() + 600_000), new Date(clock())],
			);
		}
		this.log(`${worker.name} stands still before it sends ${rows.length} entries`);
		const untilMs = Math.max(...rows.map(({ expires_at }) => expires_at.getTime())) + 5_000;
		this.frozen = { worker, tradeIds: rows.map(({ id }) => id), untilMs };
	}

	/** Lets it go on once an entry of its has ended unsent and the exchange would take an order; in any case when forced. */
	async end(isForced: boolean): Promise<void> {
		const { frozen } = this;
		const { pool, clock, simulator } = this.stage;
		if (frozen === undefined || (!isForced && clock() < frozen.untilMs)) return;
		const ended = await pool.query<{ id: string }>(
			`select t.id from botbox.trade_queue t where t.id = any ($1) and t.status = 'EXPIRED'
			    and exists (select from botbox.circuit_breakers where exchange_id = 'sim' and state = 'CLOSED')`,
			[frozen.tradeIds],
		);
		if (ended.rowCount === 0 && !isForced) return await this.giveUpIfNoneWill(frozen);
		this.frozen = undefined;
		this.outlived.push(...ended.rows.map(({ id }) => id));
		this.isOver = this.outlived.length > 0;
		simulator.clearFaults();
		frozen.worker.exchange.mend();
		frozen.worker.database.mend();
		frozen.worker.clockOffsetMs = 0;
		await frozen.worker.resume();
	}

	/** Its orders stood at the exchange already: another freeze has to do. */
	private async giveUpIfNoneWill({
		worker,
		tradeIds,
	}: {
		worker: SimulatedWorker;
		tradeIds: readonly string[];
	}): Promise<void> {
		const open = await this.stage.pool.query(
			`select from botbox.trade_queue where id = any ($1) and (finished_at is null or status = 'EXPIRED')`,
			[tradeIds],
		);
		if (open.rowCount !== 0) return;
		this.frozen = undefined;
		await worker.resume();
	}

	/** What a worker that came back did to entries that had ended without it. */
	async inspect(): Promise<Finding[]> {
		const { rows } = await this.stage.pool.query<{ id: string; client_order_id: string; status: string }>(
			`select t.id, t.status, o.client_order_id from botbox.trade_queue t join botbox.orders o on o.trade_id = t.id where t.id = any ($1)`,
			[this.outlived],
		);
		const sent = new Set(this.stage.simulator.orders().map(({ orderLinkId }) => orderLinkId));
		return finding(
			'no entry that expired is at the exchange',
			rows.filter(({ client_order_id }) => sent.has(client_order_id)),
		);
	}
}
