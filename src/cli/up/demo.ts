/**
 * The demonstration: when the database has no account yet, bots with the strategies' own defaults on a PAPER account and, on the
 * simulated exchange, on a LIVE account. Nothing in it is fitted to the market that they will see.
 */
import { createAccount, createBot, recordOpeningBalances } from '../../database/functions/administration.ts';
import type { Queryable } from '../../database/functions/define.ts';
import { findInstruments } from '../../database/functions/market.ts';
import { type IntervalMinutes, regimeDirections, type Timeframe } from '../../domain.ts';
import { UsageError } from '../../errors.ts';
import { encryptCredentials } from '../../exchange/credentials.ts';
import { ensureStrategyVersion } from '../../market/strategy-versions.ts';
import { infoOf } from '../../strategies/catalogue.ts';
import { findStrategy } from '../../strategies/registry.ts';

export interface DemoOptions {
	readonly exchangeId: string;
	readonly actor: string;
	/** Only with credentials is there a LIVE account: the simulated exchange's. */
	readonly live: { readonly apiKey: string; readonly secret: string; readonly masterKey: string } | null;
	/** What the exchange holds for an account, asset to total: the opening balance in our books. */
	balancesOf(accountId: number): Promise<Readonly<Record<string, string>>>;
	readonly now?: Date;
}

type Instrument = Awaited<ReturnType<typeof findInstruments>>[number];

interface Pace {
	readonly timeframe: Timeframe;
	readonly interval: IntervalMinutes;
}

/** The paces that bots are given in turn. */
const paces: readonly Pace[] = [
	{ timeframe: '1m', interval: 1 },
	{ timeframe: '5m', interval: 5 },
	{ timeframe: '15m', interval: 15 },
];
const capital = 10_000;
/** Of an account's capital, per position. */
const sizingFraction = 0.05;
/** Per lot of a grid, which holds several. */
const lotFraction = 0.01;
const mostInstruments = 16;
/** Of those, how many get the strategies that trade often. */
const fewInstruments = 2;

/** Creates the demo accounts and bots; answers how many bots. */
export async function createDemo(db: Queryable, options: DemoOptions): Promise<number> {
	const all = (await findInstruments(db, { exchangeId: options.exchangeId })).filter(({ isTrading }) => isTrading);
	const perpetuals = preferred(
		all.filter(({ marketType, settleAsset }) => marketType === 'LINEAR' && settleAsset === 'USDT'),
	);
	const spots = preferred(all.filter(({ marketType, quoteAsset }) => marketType === 'SPOT' && quoteAsset === 'USDT'));
	const [only] = all;
	if (only === undefined) throw new UsageError(`${options.exchangeId} lists no instrument that trades`);

	// A recorded market has one instrument: its bots differ in strategy and pace instead.
	const isSingle = all.length === 1;
	const settleAsset = isSingle ? only.settleAsset : 'USDT';
	const accounts = await createAccounts(db, options, settleAsset);
	let bots = 0;
	for (const account of accounts) {
		const trend = isSingle ? paces.map(() => only) : perpetuals;
		const reversion = isSingle ? paces.map(() => only) : account.mode === 'LIVE' ? spots : perpetuals;
		bots += await createBots(db, options, account, 'trend_following', trend);
		bots += await createBots(db, options, account, 'mean_reversion', reversion);
		const few = isSingle ? [only] : perpetuals.slice(0, fewInstruments);
		for (const instrument of few) {
			await createDemoBot(db, options, account, { strategy: 'scalping', short: 'scalping', instrument });
			// Each level is a lot of its own.
			await createDemoBot(db, options, account, {
				...{ strategy: 'grid', short: 'grid', instrument, fraction: lotFraction, parameters: gridOf(instrument) },
			});
		}
		const pair = pairOf(perpetuals, spots);
		if (pair !== null) await createDemoBot(db, options, account, pair);
		bots += 2 * few.length + (pair === null ? 0 : 1);
	}
	return bots;
}

/**
 * Lines so near that an hour of an ordinary market crosses some of them, on both sides where SHORT is possible, and in any market: a
 * newcomer who waits for the default grid's wide lines in a RANGING one sees nothing of it for a day.
 */
function gridOf({ marketType }: Instrument): Readonly<Record<string, unknown>> {
	return {
		atr_factor: 1,
		direction: marketType === 'SPOT' ? 'LONG' : 'BOTH',
		favourable_regimes: [...regimeDirections],
	};
}

/** The first coin that has both markets, for funding arbitrage. */
function pairOf(perpetuals: readonly Instrument[], spots: readonly Instrument[]): DemoBot | null {
	for (const second of perpetuals) {
		const instrument = spots.find(({ baseAsset }) => baseAsset === second.baseAsset);
		if (instrument !== undefined) return { strategy: 'funding_arbitrage', short: 'funding', instrument, second };
	}
	return null;
}

interface DemoAccount {
	readonly id: number;
	readonly mode: 'PAPER' | 'LIVE';
}

async function createAccounts(db: Queryable, options: DemoOptions, settleAsset: string): Promise<DemoAccount[]> {
	const limits = { max_positions: 16, max_correlated_positions: 6 };
	const amount = settleAsset === 'USDT' ? capital : 5;
	const base = { exchangeId: options.exchangeId, settleAsset, limits, actor: options.actor, now: options.now };
	const accounts: DemoAccount[] = [
		{ id: await createAccount(db, { ...base, name: 'demo-paper', mode: 'PAPER', capital: amount }), mode: 'PAPER' },
	];
	if (options.live !== null) {
		const { masterKey, ...credentials } = options.live;
		const id = await createAccount(db, {
			...base,
			name: 'demo-live',
			mode: 'LIVE',
			capital: amount,
			credentials: encryptCredentials(credentials, masterKey),
		});
		await recordOpeningBalances(db, { accountId: id, balances: await options.balancesOf(id), now: options.now });
		accounts.push({ id, mode: 'LIVE' });
	}
	return accounts;
}

async function createBots(
	db: Queryable,
	options: DemoOptions,
	account: DemoAccount,
	strategy: string,
	instruments: readonly Instrument[],
): Promise<number> {
	const short = strategy === 'trend_following' ? 'trend' : 'reversion';
	for (const [i, instrument] of instruments.entries()) {
		const pace = paces[i % paces.length];
		if (pace !== undefined) await createDemoBot(db, options, account, { strategy, short, instrument, pace });
	}
	return instruments.length;
}

interface DemoBot {
	readonly strategy: string;
	readonly short: string;
	readonly instrument: Instrument;
	readonly second?: Instrument;
	/** The strategy's own if left out. */
	readonly pace?: Pace;
	/** Over the strategy's defaults. */
	readonly parameters?: Readonly<Record<string, unknown>>;
	/** Of the capital, per entry and leg. */
	readonly fraction?: number;
}

async function createDemoBot(
	db: Queryable,
	options: DemoOptions,
	account: DemoAccount,
	{ strategy, short, instrument, second, pace, fraction = sizingFraction, parameters: further = {} }: DemoBot,
): Promise<void> {
	const own = findStrategy(strategy);
	if (own === null) throw new UsageError(`there is no strategy ${strategy}`);
	const { defaults } = infoOf(own);
	const parameters = {
		...(pace === undefined ? {} : { timeframe: pace.timeframe }),
		// Every second entry there would be one that validation has to refuse.
		...(instrument.marketType === 'SPOT' && 'allow_short' in (defaults ?? {}) ? { allow_short: false } : {}),
		...further,
	};
	const timeframe = own.prepare(own.parameters.parse(parameters)).timeframe;
	await createBot(db, {
		name: `${account.mode.toLowerCase()}-${short}-${instrument.exchangeSymbol.toLowerCase()}-${timeframe}`,
		strategyVersionId: await ensureStrategyVersion(db, strategy, parameters),
		accountId: account.id,
		instrumentId: instrument.id,
		furtherInstrumentIds: second === undefined ? [] : [second.id],
		intervalMinutes: pace?.interval ?? own.defaultInterval,
		sizing: 'CAPITAL_FRACTION',
		sizingValue: fraction,
		actor: options.actor,
		isDueAtOnce: true,
		now: options.now,
	});
}

/** On a real exchange with hundreds of markets, the ones that people know first. */
const known = ['BTC', 'ETH', 'SOL', 'XRP', 'BNB', 'DOGE', 'ADA', 'AVAX', 'LINK', 'LTC', 'DOT', 'TRX'];

function preferred(instruments: readonly Instrument[]): Instrument[] {
	const rank = ({ baseAsset }: Instrument): number => {
		const at = known.indexOf(baseAsset);
		return at === -1 ? known.length : at;
	};
	return [...instruments]
		.sort((a, b) => rank(a) - rank(b) || a.symbol.localeCompare(b.symbol))
		.slice(0, mostInstruments);
}
