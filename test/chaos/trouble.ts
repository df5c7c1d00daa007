/** What the drills on a simulated clock do to the world around the workers: faults of the exchange, cut networks, clocks that step. */
import { type FaultKind, faultKinds } from '../../src/simulator/state/entities.ts';
import { type Random, randomAt } from './random.ts';
import type { SimulatedWorker } from './simulated-crew.ts';
import type { SimulatedStage } from './simulated-stage.ts';

const endpoints = [
	'/v5/order/create',
	'/v5/order/create',
	'/v5/order/create',
	'/v5/order/realtime',
	'/v5/order/history',
	'/v5/execution/list',
	'/v5/position/list',
	'/v5/position/set-leverage',
	'/v5/account/wallet-balance',
	'/v5/account/transaction-log',
	'/v5/market/tickers',
	'/v5/market/kline',
	'/v5/market/time',
] as const;
const clockSteps = [-3_600_000, -20_000, -1_500, 2_000, 45_000, 3_600_000] as const;

export class Trouble {
	private readonly stage: SimulatedStage;
	private readonly seed: number;
	private readonly log: (line: string) => void;
	private readonly faults: Partial<Record<FaultKind, number>> = {};
	private readonly cuts: { readonly worker: SimulatedWorker; readonly untilMs: number }[] = [];
	private cutsMade = 0;
	private clockStepsMade = 0;
	private isBanSpent = false;

	constructor(stage: SimulatedStage, options: { readonly seed: number; readonly log: (line: string) => void }) {
		this.stage = stage;
		this.seed = options.seed;
		this.log = options.log;
	}

	get wasCut(): boolean {
		return this.cutsMade > 0;
	}

	/** A ban costs ten minutes of everything: in one run of ten. */
	async ofMinute(minute: number, { mayBan }: { readonly mayBan: boolean }): Promise<void> {
		const random = randomAt(this.seed, 'faults', minute);
		const count = Math.floor(random.next() * 4);
		for (let i = 0; i < count; i += 1) {
			const kind = random.pick(faultKinds.filter((name) => name !== 'ip_ban'));
			this.addFault(kind, random, { endpoint: random.pick(endpoints), count: 1 + Math.floor(random.next() * 2) });
		}
		if (mayBan && !this.isBanSpent) {
			this.isBanSpent = true;
			const ban = randomAt(this.seed, 'ban');
			if (ban.next() < 0.1) this.addFault('ip_ban', ban, { endpoint: ban.pick(endpoints), count: 1 });
		}
		for (const [i, worker] of (await this.stage.crew.present()).entries()) {
			this.stepClock(worker, randomAt(this.seed, 'clock', minute, i));
			this.cutOff(worker, randomAt(this.seed, 'cut', minute, i));
		}
	}

	/** The drill of all crash points needs orders that are asked for and sent again. */
	faultAtOrders(minute: number): void {
		const random = randomAt(this.seed, 'faults', minute);
		const kind = random.pick(['timeout_after_accept', 'timeout_before_accept', 'no_fill'] as const);
		this.addFault(kind, random, { endpoint: '/v5/order/create', count: 1 });
	}

	/** Ends the cuts whose time is over, or all. */
	mend(isForced: boolean): void {
		for (const cut of [...this.cuts]) {
			if (!isForced && this.stage.clock() < cut.untilMs) continue;
			cut.worker.database.mend();
			cut.worker.exchange.mend();
			this.cuts.splice(this.cuts.indexOf(cut), 1);
		}
	}

	describe(): Record<string, number | string> {
		return {
			cuts: this.cutsMade,
			clock_steps: this.clockStepsMade,
			faults: Object.entries(this.faults)
				.map(([kind, count]) => `${kind}:${count}`)
				.join(' '),
		};
	}

	private stepClock(worker: SimulatedWorker, random: Random): void {
		if (random.next() >= 0.06) return;
		this.clockStepsMade += 1;
		worker.clockOffsetMs = random.pick(clockSteps);
	}

	private cutOff(worker: SimulatedWorker, random: Random): void {
		if (random.next() >= 0.06 || this.cuts.length > 0) return;
		this.cutsMade += 1;
		const isDatabase = random.next() < 0.5;
		(isDatabase ? worker.database : worker.exchange).cut();
		this.cuts.push({ worker, untilMs: this.stage.clock() + 30_000 + random.next() * 60_000 });
		this.log(`${worker.name} is cut off from the ${isDatabase ? 'database' : 'exchange'}`);
	}

	private addFault(
		kind: FaultKind,
		random: Random,
		where: { readonly endpoint: string; readonly count: number },
	): void {
		this.faults[kind] = (this.faults[kind] ?? 0) + 1;
		const chance = random.next();
		this.stage.simulator.addFault({
			kind,
			...where,
			// Late enough for the caller to have given up, or merely slow.
			...(kind === 'slow' ? { ms: chance < 0.5 ? 50 : 800 } : {}),
			...(kind === 'clock_skew' ? { ms: chance < 0.5 ? 15_000 : -15_000 } : {}),
			...(kind === 'drop_connection' ? { after: chance < 0.5 } : {}),
		});
	}
}
