/** A LIVE account on the simulated exchange of a simulated system, bots of it, and a person who trades by hand with its key. */
import type { bybit } from 'ccxt';
import { expect } from 'vitest';
import { createAccount, createBot, recordOpeningBalances } from '../../src/database/functions/administration.ts';
import { findInstruments } from '../../src/database/functions/market.ts';
import { encryptCredentials } from '../../src/exchange/credentials.ts';
import type { TradingVenue } from '../../src/exchange/venue.ts';
import { ensureStrategyVersion } from '../../src/market/strategy-versions.ts';
import { guardPositions } from '../../src/workers/guard-positions.ts';
import { reconcileAccounts } from '../../src/workers/reconcile.ts';
import { makeClient } from '../simulator/client.ts';
import { type Decision, decide } from './factories/trading.ts';
import type { Bot } from './factories/world.ts';
import { masterKey, type SimulatedSystem } from './simulated-system.ts';

export interface LiveAccount {
	readonly id: number;
	readonly name: string;
	readonly credentials: { readonly apiKey: string; readonly secret: string };
	/** Perpetuals of the exchange, by symbol. */
	readonly perpetuals: readonly { readonly id: number; readonly symbol: string; readonly exchangeSymbol: string }[];
	/** A client of the exchange with the account's key that botbox knows nothing of. */
	readonly person: bybit;
	venue(): Promise<TradingVenue>;
	makeBot(instrument: { id: number }, options?: { notional?: number; leverage?: number }): Promise<Bot>;
	lastPrice(bot: { instrumentId: number }): Promise<number>;
	/** Decides at the present price, on fresh prices; sends nothing. */
	decide(bot: Bot, options?: Parameters<typeof decide>[2]): Promise<Decision>;
	/** Decides, sends and books; insists that it came to a position or to its end. */
	trade(bot: Bot, options?: Parameters<typeof decide>[2]): Promise<void>;
	reconcile(): Promise<void>;
	/** Codes of the account's open alerts with the subjects that they name, sorted. */
	alerts(like?: string): Promise<string[]>;
	one<R = Record<string, unknown>>(sql: string, ...values: unknown[]): Promise<R>;
}

let made = 0;

/** `balances`: what the key has at the exchange; by default what the exchange gives to every new one. */
export async function openLiveAccount(
	system: SimulatedSystem,
	capital = 100_000,
	balances?: Readonly<Record<string, string>>,
): Promise<LiveAccount> {
	const { pool } = system.database;
	made += 1;
	const name = `live ${made}`;
	// A key of its own, so that the accounts of one system hold nothing of each other.
	const credentials = { apiKey: `live-key-${made}`, secret: `live-secret-${made}` };
	system.simulator.registerKey({ ...credentials, ...(balances === undefined ? {} : { balances }) });
	const id = await createAccount(pool, {
		name,
		exchangeId: 'sim',
		mode: 'LIVE',
		settleAsset: 'USDT',
		capital,
		credentials: encryptCredentials(credentials, masterKey),
		limits: { max_correlated_positions: 100 },
		now: system.now(),
	});
	const venue = () => system.context.venues.tradingVenue(id);
	await recordOpeningBalances(pool, { accountId: id, balances: await (await venue()).balances(), now: system.now() });
	const found = await pool.query<{ id: number; symbol: string; exchangeSymbol: string }>(
		`select id, symbol, exchange_symbol as "exchangeSymbol" from botbox.instruments where market_type = 'LINEAR' order by symbol`,
	);
	expect((await findInstruments(pool, { exchangeId: 'sim' })).length).toBeGreaterThan(0);
	const versionId = await ensureStrategyVersion(pool, 'trend_following', {
		favourable_regimes: ['TRENDING_UP', 'TRENDING_DOWN', 'RANGING'],
	});
	const clock = Object.assign(() => system.now().getTime(), { now: 0, advance: () => {} });
	const person = makeClient(system.simulator.url, clock);
	Object.assign(person, credentials);

	const account: LiveAccount = {
		id,
		name,
		credentials,
		perpetuals: found.rows,
		person,
		venue,
		async makeBot(instrument, { notional = 1_000, leverage = 1 } = {}) {
			made += 1;
			const botId = await createBot(pool, {
				name: `live bot ${made}`,
				strategyVersionId: versionId,
				accountId: id,
				instrumentId: instrument.id,
				intervalMinutes: 60,
				sizing: 'FIXED_NOTIONAL',
				sizingValue: notional,
				leverage,
				now: system.now(),
			});
			return { id: botId, accountId: id, instrumentId: instrument.id, versionId };
		},
		async lastPrice({ instrumentId }) {
			const row = await account.one<{ last: number }>(
				'select last::float8 as last from botbox.tickers where instrument_id = $1',
				instrumentId,
			);
			return row.last;
		},
		async decide(bot, options = {}) {
			system.skip(60_000);
			await guardPositions(system.context, system.now());
			return await decide(pool, bot, { price: await account.lastPrice(bot), now: system.now(), ...options });
		},
		async trade(bot, options = {}) {
			const { tradeId, reasonCode } = await account.decide(bot, options);
			expect(tradeId, String(reasonCode)).not.toBeNull();
			await system.settle();
			expect(await account.one('select status from botbox.trade_queue where id = $1', tradeId)).toEqual({
				status: 'EXECUTED',
			});
		},
		async reconcile() {
			system.skip(60_000);
			await reconcileAccounts(system.context, { all: true, now: system.now() });
		},
		async alerts(like = '%') {
			const { rows } = await pool.query<{ code: string; subject: string }>(
				`select code, subject from botbox.alerts
				where resolved_at is null and code like $1
				and (subject = 'account ' || $2 or subject like 'account ' || $2 || ' %'
					or subject in (select 'position ' || p.id from botbox.positions p where p.account_id = $2::bigint))`,
				[like, String(id)],
			);
			return rows.map(({ code, subject }) => `${code} ${subject.replace(`account ${id} `, '')}`).sort();
		},
		async one<R>(sql: string, ...values: unknown[]) {
			const { rows } = await pool.query(sql, values);
			expect(rows).toHaveLength(1);
			return rows[0] as R;
		},
	};
	await account.reconcile();
	return account;
}
