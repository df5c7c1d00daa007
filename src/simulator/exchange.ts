/** The simulated exchange without its HTTP: memory, markets, time. */
import { UsageError } from '../errors.ts';
import { Faults } from './http/faults.ts';
import type { Category } from './market/instruments.ts';
import { Market } from './market/market.ts';
import { readRecording, recordingOffset } from './market/recording.ts';
import type { Account, Fault, FaultKind, InstrumentChange, Meta, Order } from './state/entities.ts';
import { Store } from './state/store.ts';
import { matchSymbol, matchUntil } from './trading/matching.ts';
import { settleCoin, type Venue } from './trading/venue.ts';

export interface ExchangeOptions {
	readonly seed: number;
	readonly instrumentCount: number;
	readonly stateDir: string | undefined;
	readonly marketFile: string | undefined;
	readonly clock: () => number;
}

/** How long before the first start the made-up markets were listed: a bit more than 400 days of minutes. */
const listedDays = 420;
const dayMs = 86_400_000;
const defaultBalance = '100000';
/** What a key gets of a recorded market's quote coin that is not USDT. */
const quoteBalances: Readonly<Record<string, string>> = { BTC: '10', ETH: '100', BNB: '200' };

export class Exchange implements Venue {
	readonly store: Store;
	readonly market: Market;
	readonly faults: Faults;
	readonly clock: () => number;

	constructor(options: ExchangeOptions) {
		this.clock = options.clock;
		const now = options.clock();
		const recording = options.marketFile === undefined ? undefined : readRecording(options.marketFile);
		const fresh: Meta = {
			seed: options.seed,
			launchTime: (Math.floor(now / dayMs) - listedDays) * dayMs,
			recordingOffset: recording === undefined ? 0 : recordingOffset(recording, now),
			recordingName: recording === undefined ? '' : `${recording.base}-${recording.quote}-${recording.category}`,
			matchedUntil: now,
			sequence: 0,
		};
		this.store = new Store(options.stateDir, fresh);
		const { meta } = this.store;
		if (meta.seed !== fresh.seed || meta.recordingName !== fresh.recordingName) {
			const was = meta.recordingName === '' ? `seed ${meta.seed}` : meta.recordingName;
			this.store.close();
			throw new UsageError(
				`${options.stateDir}: holds the state of another market (${was}); use another folder or remove it`,
			);
		}
		this.faults = new Faults(this.store);
		this.market = new Market({
			seed: meta.seed,
			instrumentCount: options.instrumentCount,
			launchTime: meta.launchTime,
			shifts: this.store.shifts,
			funding: this.store.funding,
			changes: this.store.instruments,
			...(recording === undefined ? {} : { recording: { recording, offset: meta.recordingOffset } }),
		});
		this.store.changedMeta();
		this.store.commit();
	}

	takeFault(kind: FaultKind, order: Order): Fault | undefined {
		return this.faults.forOrder(kind, order);
	}

	/** Registers a key; a known key keeps its money, its secret may change. */
	registerKey(
		apiKey: string,
		secret: string,
		balances?: Readonly<Record<string, string>>,
		canWithdraw = false,
	): Account {
		const known = this.store.accounts.get(apiKey);
		const account: Account = {
			apiKey,
			secret,
			userId: known?.userId ?? 24_600_000 + this.store.accounts.size,
			createdTime: known?.createdTime ?? this.clock(),
			balances: known?.balances ?? { ...(balances ?? this.defaultBalances()) },
			leverage: known?.leverage ?? {},
			...(known?.marginMode === undefined ? {} : { marginMode: known.marginMode }),
			...(canWithdraw ? { canWithdraw } : {}),
		};
		this.store.putAccount(account);
		return account;
	}

	matchUntil(now: number): void {
		matchUntil(this, now);
	}

	/** Moves a market from now on; false where there is no such market. */
	movePrice(symbol: string, price: number, category: Category | undefined): boolean {
		const now = this.clock();
		this.matchUntil(now);
		const shifts = this.market.move(symbol, category, price, now);
		if (shifts === undefined) return false;
		for (const [key, shift] of shifts) this.store.addedShift(key, shift);
		matchSymbol(this, symbol, now);
		return true;
	}

	/** Sets what a market's settlements pay from now on; null: its own rates again. False where there is no such perpetual. */
	setFunding(symbol: string, rate: number | null): boolean {
		const now = this.clock();
		this.matchUntil(now);
		if (this.market.find('linear', symbol) === undefined) return false;
		// What has been settled stays as it was.
		this.store.addFunding({ symbol, from: now + 1, rate });
		return true;
	}

	/** States other figures of a market from now on, or takes it off the list; false where there is no such market. */
	changeInstrument(change: InstrumentChange): boolean {
		if (!this.market.change(change)) return false;
		this.store.addInstrumentChange(change);
		return true;
	}

	private defaultBalances(): Record<string, string> {
		const balances: Record<string, string> = { [settleCoin]: defaultBalance };
		for (const { instrument } of this.market.listings) {
			const amount = quoteBalances[instrument.quote];
			if (amount !== undefined) balances[instrument.quote] = amount;
		}
		return balances;
	}
}
