/** The exchange's memory: maps of entities, what changed since the last commit, and the journal behind them. */
import type { Category } from '../market/instruments.ts';
import type { PriceShift } from '../market/series.ts';
import {
	type Account,
	type ClosedPnl,
	type Execution,
	type Fault,
	type FundingSetting,
	type InstrumentChange,
	isOpen,
	type LogEntry,
	type Meta,
	type Order,
	type Position,
} from './entities.ts';
import { Journal } from './journal.ts';

/** A set of entities to put: one commit, or the whole state in a snapshot. */
interface Change {
	readonly meta?: Meta;
	readonly accounts?: readonly Account[];
	readonly orders?: readonly Order[];
	readonly executions?: readonly Execution[];
	readonly positions?: readonly Position[];
	readonly closed?: readonly ClosedPnl[];
	readonly log?: readonly LogEntry[];
	readonly shifts?: readonly (PriceShift & { readonly key: string })[];
	readonly funding?: readonly FundingSetting[];
	readonly instruments?: readonly InstrumentChange[];
	/** All pending faults, where any changed. */
	readonly faults?: readonly Fault[];
}

export class Store {
	readonly accounts = new Map<string, Account>();
	readonly orders = new Map<string, Order>();
	readonly executions: Execution[] = [];
	readonly executionsByOrder = new Map<string, Execution[]>();
	readonly positions = new Map<string, Position>();
	readonly closed: ClosedPnl[] = [];
	readonly log: LogEntry[] = [];
	readonly shifts = new Map<string, PriceShift[]>();
	readonly funding: FundingSetting[] = [];
	/** In the order in which they were made. */
	readonly instruments: InstrumentChange[] = [];
	faults: Fault[] = [];
	meta: Meta;
	/** Orders that the market may still fill or trigger. */
	readonly open = new Map<string, Order>();
	/** Whether anything was there before this start. */
	readonly restored: boolean;

	/** Orders of each key, oldest first. */
	private readonly byKey = new Map<string, Order[]>();
	private readonly byLink = new Map<string, Order>();
	private readonly journal: Journal<Change> | undefined;
	private dirtyMeta = false;
	private dirtyFaults = false;
	private readonly dirtyAccounts = new Set<Account>();
	private readonly dirtyOrders = new Set<Order>();
	private readonly dirtyPositions = new Set<Position>();
	private freshExecutions: Execution[] = [];
	private freshClosed: ClosedPnl[] = [];
	private freshLog: LogEntry[] = [];
	private freshShifts: (PriceShift & { key: string })[] = [];
	private freshFunding: FundingSetting[] = [];
	private freshInstruments: InstrumentChange[] = [];

	constructor(folder: string | undefined, meta: Meta) {
		this.meta = meta;
		let replayed = false;
		if (folder !== undefined)
			this.journal = new Journal<Change>(folder, (change) => {
				replayed = true;
				this.apply(change);
			});
		this.restored = replayed;
	}

	nextSequence(): number {
		this.dirtyMeta = true;
		this.meta.sequence += 1;
		return this.meta.sequence;
	}

	changedMeta(): void {
		this.dirtyMeta = true;
	}

	changedFaults(): void {
		this.dirtyFaults = true;
	}

	putAccount(account: Account): void {
		this.accounts.set(account.apiKey, account);
		this.dirtyAccounts.add(account);
	}

	putOrder(order: Order): void {
		this.indexOrder(order);
		this.dirtyOrders.add(order);
	}

	putPosition(position: Position): void {
		this.positions.set(positionKey(position.apiKey, position.symbol), position);
		this.dirtyPositions.add(position);
	}

	addExecution(execution: Execution): void {
		this.indexExecution(execution);
		this.freshExecutions.push(execution);
	}

	addClosed(closed: ClosedPnl): void {
		this.closed.push(closed);
		this.freshClosed.push(closed);
	}

	addLog(entry: LogEntry): void {
		this.log.push(entry);
		this.freshLog.push(entry);
	}

	/** The market has already appended the shift to its list. */
	addedShift(key: string, shift: PriceShift): void {
		this.freshShifts.push({ key, ...shift });
	}

	addFunding(setting: FundingSetting): void {
		this.funding.push(setting);
		this.freshFunding.push(setting);
	}

	addInstrumentChange(change: InstrumentChange): void {
		this.instruments.push(change);
		this.freshInstruments.push(change);
	}

	position(apiKey: string, symbol: string): Position | undefined {
		return this.positions.get(positionKey(apiKey, symbol));
	}

	ordersOf(apiKey: string): readonly Order[] {
		return this.byKey.get(apiKey) ?? [];
	}

	/** The order that ever bore this orderLinkId: ids are never free again. */
	orderByLink(apiKey: string, category: Category, orderLinkId: string): Order | undefined {
		return this.byLink.get(`${apiKey}/${category}/${orderLinkId}`);
	}

	/** Writes what changed since the last commit; nothing is written where nothing changed. */
	commit(): void {
		if (this.journal !== undefined) {
			const change = this.takeChange();
			if (Object.keys(change).length > 0) this.journal.append(change, () => this.everything());
		}
		this.dirtyMeta = false;
		this.dirtyFaults = false;
		this.dirtyAccounts.clear();
		this.dirtyOrders.clear();
		this.dirtyPositions.clear();
		this.freshExecutions = [];
		this.freshClosed = [];
		this.freshLog = [];
		this.freshShifts = [];
		this.freshFunding = [];
		this.freshInstruments = [];
	}

	close(): void {
		this.commit();
		this.journal?.close();
	}

	private takeChange(): Change {
		const change = {
			...(this.dirtyFaults ? { faults: this.faults } : {}),
			...(this.dirtyAccounts.size > 0 ? { accounts: [...this.dirtyAccounts] } : {}),
			...(this.dirtyOrders.size > 0 ? { orders: [...this.dirtyOrders] } : {}),
			...(this.dirtyPositions.size > 0 ? { positions: [...this.dirtyPositions] } : {}),
			...(this.freshExecutions.length > 0 ? { executions: this.freshExecutions } : {}),
			...(this.freshClosed.length > 0 ? { closed: this.freshClosed } : {}),
			...(this.freshLog.length > 0 ? { log: this.freshLog } : {}),
			...(this.freshShifts.length > 0 ? { shifts: this.freshShifts } : {}),
			...(this.freshFunding.length > 0 ? { funding: this.freshFunding } : {}),
			...(this.freshInstruments.length > 0 ? { instruments: this.freshInstruments } : {}),
		};
		// Every commit says how far matching had come, so that a restart repeats no moment that led to it.
		return this.dirtyMeta || Object.keys(change).length > 0 ? { ...change, meta: this.meta } : change;
	}

	private everything(): Change {
		return {
			meta: this.meta,
			accounts: [...this.accounts.values()],
			orders: [...this.orders.values()],
			executions: this.executions,
			positions: [...this.positions.values()],
			closed: this.closed,
			log: this.log,
			shifts: [...this.shifts].flatMap(([key, shifts]) => shifts.map((shift) => ({ key, ...shift }))),
			funding: this.funding,
			instruments: this.instruments,
			faults: this.faults,
		};
	}

	private apply(change: Change): void {
		if (change.meta !== undefined) this.meta = change.meta;
		if (change.faults !== undefined) this.faults = [...change.faults];
		for (const account of change.accounts ?? []) this.accounts.set(account.apiKey, account);
		for (const order of change.orders ?? []) this.indexOrder(order);
		for (const execution of change.executions ?? []) this.indexExecution(execution);
		for (const position of change.positions ?? [])
			this.positions.set(positionKey(position.apiKey, position.symbol), position);
		for (const closed of change.closed ?? []) this.closed.push(closed);
		for (const entry of change.log ?? []) this.log.push(entry);
		for (const setting of change.funding ?? []) this.funding.push(setting);
		for (const instrument of change.instruments ?? []) this.instruments.push(instrument);
		for (const { key, time, factor } of change.shifts ?? []) {
			const shifts = this.shifts.get(key) ?? [];
			shifts.push({ time, factor });
			this.shifts.set(key, shifts);
		}
	}

	private indexOrder(order: Order): void {
		const known = this.orders.get(order.orderId);
		this.orders.set(order.orderId, order);
		const ofKey = this.byKey.get(order.apiKey) ?? [];
		if (known === undefined) ofKey.push(order);
		// Replay puts a newer copy of an order in its place.
		else if (known !== order) ofKey[ofKey.lastIndexOf(known)] = order;
		this.byKey.set(order.apiKey, ofKey);
		if (order.orderLinkId !== '') this.byLink.set(`${order.apiKey}/${order.category}/${order.orderLinkId}`, order);
		if (isOpen(order)) this.open.set(order.orderId, order);
		else this.open.delete(order.orderId);
	}

	private indexExecution(execution: Execution): void {
		this.executions.push(execution);
		const ofOrder = this.executionsByOrder.get(execution.orderId);
		if (ofOrder === undefined) this.executionsByOrder.set(execution.orderId, [execution]);
		else ofOrder.push(execution);
	}
}

function positionKey(apiKey: string, symbol: string): string {
	return `${apiKey}/${symbol}`;
}
