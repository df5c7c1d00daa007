/** Flattening from the command line: asked for once, then followed until the books and the exchange agree that all is closed. */
import type { Queryable } from '../database/functions/define.ts';
import { findReconciliations, requestReconciliation } from '../database/functions/guards.ts';
import { flattenPositions } from '../database/functions/trades.ts';
import { databaseTime } from '../database/installation.ts';
import { listView, type ViewRow } from '../database/listing.ts';

export type FlattenScope = Pick<Parameters<typeof flattenPositions>[1], 'scope' | 'exchangeId' | 'accountId' | 'botId'>;

export interface FlattenOptions {
	readonly reason: string;
	readonly actor: string;
	/** 0: ask, look once, and do not wait. */
	readonly waitMs: number;
	/** How time passes between two looks; resolves after about so many milliseconds. */
	readonly sleep: (ms: number) => Promise<void>;
	/** The time that flattening is decided at; the database's own if left out. */
	readonly now?: () => Date;
}

export interface FlattenReport {
	readonly positions: readonly {
		readonly position_id: number;
		readonly bot_id: number;
		readonly account_id: number;
		readonly symbol: string;
		readonly state: 'CLOSED' | 'OPEN';
		/** Why it is still open. */
		readonly why: string | null;
	}[];
	readonly entries: readonly {
		readonly trade_id: string;
		readonly bot_id: number;
		readonly symbol: string;
		/** CANCELLED: it was never sent. SETTLED: what it opened is among the positions. SETTLING: it may still open one. */
		readonly state: 'CANCELLED' | 'SETTLED' | 'SETTLING';
	}[];
	readonly accounts: readonly {
		readonly account_id: number;
		readonly account: string;
		/** Compared with an answer that the exchange gave after all was closed. */
		readonly is_compared: boolean;
		readonly differences: readonly string[];
	}[];
	readonly is_flat: boolean;
}

type Flattened = Awaited<ReturnType<typeof flattenPositions>>;
interface Remaining {
	readonly open: readonly ViewRow[];
	readonly live: readonly ViewRow[];
}

const lookEveryMs = 500;
const liveStatuses = ['PENDING', 'EXECUTING', 'PARKED'] as const;

export async function flatten(db: Queryable, scope: FlattenScope, options: FlattenOptions): Promise<FlattenReport> {
	const asked = await flattenPositions(db, {
		...scope,
		reason: options.reason,
		actor: options.actor,
		now: options.now?.(),
	});
	// Nobody to wait for: what was queued is sent by the next worker that starts.
	let leftMs = (await isExecutorHeard(db)) ? options.waitMs : 0;
	const wait = async (): Promise<void> => {
		await options.sleep(lookEveryMs);
		leftMs -= lookEveryMs;
	};

	let remaining = await look(db, scope);
	while (leftMs > 0 && remaining.open.length + remaining.live.length > 0) {
		await wait();
		remaining = await look(db, scope);
	}

	const since = options.now?.() ?? (await databaseTime(db));
	const accountIds = await accountsToCompare(db, scope, asked, remaining);
	const isClosed = remaining.open.length + remaining.live.length === 0;
	if (isClosed) await requestReconciliation(db, { accountIds, now: options.now?.() });
	let compared = await findReconciliations(db, { accountIds, since });
	while (isClosed && leftMs > 0 && compared.some(({ isCompared }) => !isCompared)) {
		await wait();
		compared = await findReconciliations(db, { accountIds, since });
	}

	const positions = await describePositions(db, asked, remaining);
	const symbols = new Set([...asked, ...remaining.open].map(({ symbol }) => String(symbol)));
	const accounts = compared.map(({ accountId, name, isCompared, differences }) => ({
		account_id: accountId,
		account: name,
		is_compared: isCompared,
		// A bot answers for its own markets, not for what else is held on its account.
		differences: differences.filter(
			(line) => scope.scope !== 'BOT' || [...symbols].some((symbol) => line.startsWith(`position of ${symbol}:`)),
		),
	}));
	return {
		positions,
		entries: describeEntries(asked, remaining),
		accounts,
		is_flat: isClosed && accounts.every(({ is_compared, differences }) => is_compared && differences.length === 0),
	};
}

async function look(db: Queryable, scope: FlattenScope): Promise<Remaining> {
	const where = rowsOf(scope);
	const limit = 100_000;
	const open = await listView(db, 'positions', { where: { ...where, status: 'OPEN' }, orderBy: 'position_id', limit });
	const live: ViewRow[] = [];
	for (const status of liveStatuses)
		live.push(...(await listView(db, 'trades', { where: { ...where, status }, limit })));
	return { open, live };
}

/** The rows of a view that belong to the scope. */
function rowsOf({ scope, exchangeId, accountId, botId }: FlattenScope): Record<string, string | number> {
	switch (scope) {
		case 'ALL':
			return {};
		case 'EXCHANGE':
			return { exchange_id: exchangeId ?? '' };
		case 'ACCOUNT':
			return { account_id: accountId ?? 0 };
		case 'BOT':
			return { bot_id: botId ?? 0 };
	}
}

/** Those that held something, and those of the scope that some worker has compared before. */
async function accountsToCompare(
	db: Queryable,
	scope: FlattenScope,
	asked: Flattened,
	{ open, live }: Remaining,
): Promise<number[]> {
	const ids = new Set([
		...asked.map(({ accountId }) => accountId),
		...[...open, ...live].map((row) => Number(row.account_id)),
	]);
	if (scope.scope !== 'BOT') {
		const accounts = await listView(db, 'accounts', { where: rowsOf(scope), limit: 100_000 });
		for (const row of accounts) if (row.reconciled_at !== null) ids.add(Number(row.account_id));
	}
	return [...ids].sort((a, b) => a - b);
}

function describeEntries(asked: Flattened, { live }: Remaining): FlattenReport['entries'] {
	const liveIds = new Set(live.map((row) => String(row.trade_id)));
	return asked
		.filter(({ kind }) => kind === 'ENTRY')
		.map(({ tradeId, botId, symbol, outcome }) => ({
			trade_id: String(tradeId),
			bot_id: botId,
			symbol,
			state: outcome === 'CANCELLED' ? 'CANCELLED' : liveIds.has(String(tradeId)) ? 'SETTLING' : 'SETTLED',
		}));
}

/** What was open when it was asked for, and what entries under way have opened since. */
async function describePositions(
	db: Queryable,
	asked: Flattened,
	remaining: Remaining,
): Promise<FlattenReport['positions']> {
	const open = new Map(remaining.open.map((row) => [Number(row.position_id), row]));
	const closed = asked.flatMap(({ kind, positionId, botId, accountId, symbol }) =>
		kind !== 'POSITION' || positionId === null || open.has(positionId)
			? []
			: [
					{
						position_id: positionId,
						bot_id: botId,
						account_id: accountId,
						symbol,
						state: 'CLOSED' as const,
						why: null,
					},
				],
	);
	const blocks = open.size === 0 ? new Map<string, string>() : await findBlocks(db);
	const refusals = new Map(
		asked.map(({ positionId, outcome, reasonCode }) => [positionId, outcome === 'REFUSED' ? reasonCode : null]),
	);
	const left = [...open.values()].map((row) => ({
		position_id: Number(row.position_id),
		bot_id: Number(row.bot_id),
		account_id: Number(row.account_id),
		symbol: String(row.symbol),
		state: 'OPEN' as const,
		why:
			refusals.get(Number(row.position_id)) ??
			blocks.get('') ??
			blocks.get(String(row.exchange_id)) ??
			whyOpen(
				remaining.live.find(
					(trade) => trade.direction === 'CLOSE' && trade.bot_id === row.bot_id && trade.symbol === row.symbol,
				),
			),
	}));
	return [...closed, ...left].sort((a, b) => a.position_id - b.position_id);
}

/** What holds everything up (key ''), or everything of an exchange. */
async function findBlocks(db: Queryable): Promise<Map<string, string>> {
	const blocks = new Map<string, string>();
	if (!(await isExecutorHeard(db)))
		blocks.set('', 'no worker with role execute is heard: it is closed when one is started');
	for (const row of await listView(db, 'exchange_health'))
		if (row.breaker_state !== 'CLOSED')
			blocks.set(String(row.exchange_id), `the breaker of ${row.exchange_id} is ${row.breaker_state}`);
	return blocks;
}

async function isExecutorHeard(db: Queryable): Promise<boolean> {
	const workers = await listView(db, 'worker_status', { where: { status: 'RUNNING' } });
	return workers.some(({ roles }) => Array.isArray(roles) && roles.includes('execute'));
}

function whyOpen(close: ViewRow | undefined): string {
	if (close === undefined) return 'its last close did not close all of it: the next follows within a minute';
	const error = close.error === null ? '' : `: ${close.error}`;
	switch (close.status) {
		case 'PARKED':
			return `the exchange does not say what became of its close: botbox trades resolve ${close.trade_id}`;
		case 'EXECUTING':
			return `its close is being sent (order ${close.order_status ?? 'not yet made'})${error}`;
		default:
			return `its close waits for a worker that may trade the account${error}`;
	}
}
