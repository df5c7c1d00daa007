/** `botbox accounts …`: list, create, credentials, limits, margin-mode, foreign, book, halt, reduce, resume. */
import type { Command } from 'commander';
import type { Config } from '../../config.ts';
import {
	bookAdjustment,
	createAccount,
	recordOpeningBalances,
	replaceCredentials,
	setAccountLimits,
	setAccountStatus,
	setMarginMode,
} from '../../database/functions/administration.ts';
import { listView } from '../../database/listing.ts';
import type { Pool } from '../../database/pool.ts';
import { BotboxError, UsageError } from '../../errors.ts';
import { type Credentials, encryptCredentials } from '../../exchange/credentials.ts';
import { createLogger } from '../../logger.ts';
import { assetCode, newName, oneOf, positiveDecimal, signedDecimal } from '../arguments.ts';
import { addLimitOptions, givenLimits, limitColumns } from '../limit-options.ts';
import { printFacts, printJson, printTable } from '../output.ts';
import { actor, masterKey, withDatabase } from '../session.ts';
import { asUsage, findAccount } from './bots.ts';

interface Adjustment {
	readonly kind: string;
	readonly asset: string;
	readonly amount: string;
	readonly reference: string;
	readonly reason: string;
}

interface CreateOptions {
	readonly name: string;
	readonly exchange: string;
	readonly mode: 'PAPER' | 'LIVE';
	readonly asset: string;
	readonly capital: string;
	readonly live?: boolean;
	readonly allowWithdrawals?: boolean;
	readonly json?: boolean;
}

export function registerAccounts(program: Command): void {
	const accounts = program.command('accounts').description('list, open, limit and halt accounts');

	accounts
		.command('list')
		.description('list accounts with their capital and its use')
		.option('--json', 'print as JSON')
		.action(async (options: { json?: boolean }) => {
			await withDatabase(async (pool) => {
				const rows = await listView(pool, 'accounts', { orderBy: 'account_id' });
				if (options.json) printJson(rows);
				else
					printTable(rows, [
						'account_id',
						'name',
						'exchange_id',
						'mode',
						'status',
						'settle_asset',
						'capital',
						'available',
						'equity',
						'open_positions',
						'net_pnl',
					]);
			});
		});

	const create = accounts
		.command('create')
		.description('open an account; LIVE needs --live, and its credentials in EXCHANGE_API_KEY and EXCHANGE_API_SECRET')
		.requiredOption('--name <name>', 'its name', newName)
		.requiredOption(
			'--exchange <exchange>',
			'sim, bybit, bybit_testnet, binance or binance_testnet',
			oneOf('sim', 'bybit', 'bybit_testnet', 'binance', 'binance_testnet'),
		)
		.option('--mode <mode>', 'PAPER or LIVE', oneOf('PAPER', 'LIVE'), 'PAPER')
		.option('--asset <asset>', 'settlement asset', assetCode, 'USDT')
		.requiredOption('--capital <amount>', 'how much of the asset botbox may commit', positiveDecimal);
	addLimitOptions(create, { isChange: false })
		.option('--live', 'yes, this account trades with real money')
		.option('--allow-withdrawals', 'take a key that may move money out of the exchange')
		.option('--json', 'print as JSON')
		.action(async (options: CreateOptions) => await openAccount(options));

	accounts
		.command('credentials <account>')
		.description('give an account the key in EXCHANGE_API_KEY and EXCHANGE_API_SECRET instead of the one it has')
		.option('--allow-withdrawals', 'take a key that may move money out of the exchange')
		.action(async (account: string, options: { allowWithdrawals?: boolean }) => await giveKey(account, options));

	accounts
		.command('foreign')
		.description('list positions and orders at exchanges that are not ours: counted for risk, never touched')
		.option('--json', 'print as JSON')
		.action(async (options: { json?: boolean }) => {
			await withDatabase(async (pool) => {
				const positions = await listView(pool, 'foreign_positions', { orderBy: 'foreign_position_id' });
				const orders = await listView(pool, 'foreign_orders', { orderBy: 'foreign_order_id' });
				if (options.json) return printJson({ positions, orders });
				if (positions.length + orders.length === 0) process.stdout.write('nothing foreign was found\n');
				if (positions.length > 0)
					printTable(positions, [
						'account',
						'exchange_id',
						'symbol',
						'quantity',
						'entry_price',
						'notional',
						'last_seen_at',
					]);
				if (orders.length > 0)
					printTable(orders, [
						'account',
						'exchange_id',
						'symbol',
						'side',
						'quantity',
						'exchange_order_id',
						'last_seen_at',
					]);
			});
		});

	const limits = accounts
		.command('limits <account>')
		.description('show the limits of an account, or change those that are given; none removes one');
	addLimitOptions(limits, { isChange: true })
		.option('--json', 'print as JSON')
		.action(async (account: string, options: { json?: boolean }) => await showLimits(account, options));

	accounts
		.command('margin-mode <account>')
		.description('show the margin mode of the perpetuals of an account, or set it')
		.option('--set <mode>', 'isolated, cross, or exchange: as it is there', oneOf('isolated', 'cross', 'exchange'))
		.action(async (account: string, options: { set?: string }) => await showMarginMode(account, options.set));

	accounts
		.command('book <account>')
		.description(
			'book what no fill explains: a transfer into the account (above 0) or out of it, or a correction; once by its reference',
		)
		.requiredOption('--kind <kind>', 'transfer or correction', oneOf('transfer', 'correction'))
		.requiredOption('--asset <asset>', 'asset, such as USDT', assetCode)
		.requiredOption('--amount <number>', 'change of the balance, below 0 for what left', signedDecimal)
		.requiredOption('--reference <text>', 'name of it, such as the id of the transfer')
		.requiredOption('--reason <text>', 'why')
		.action(async (account: string, options: Adjustment) => {
			await withDatabase(async (pool) => {
				const { account_id: id, name } = await findAccount(pool, account);
				const kind = options.kind.toUpperCase();
				const isNew = await bookAdjustment(pool, { ...options, accountId: Number(id), kind, actor: actor() });
				if (isNew !== true) throw new UsageError(`account ${name} has a ${options.kind} ${options.reference} already`);
				process.stdout.write(`booked ${options.amount} ${options.asset} to account ${id} ${name}\n`);
			});
		});

	const steer = (name: string, description: string, status: 'ACTIVE' | 'REDUCING' | 'HALTED'): void => {
		accounts
			.command(`${name} <account>`)
			.description(description)
			.option('--reason <text>', 'why')
			.action(async (account: string, options: { reason?: string }) => {
				await withDatabase(async (pool) => {
					const row = await findAccount(pool, account);
					await setAccountStatus(pool, {
						accountId: Number(row.account_id),
						status,
						reason: options.reason,
						actor: actor(),
					});
					process.stdout.write(`account ${row.account_id} ${row.name} is ${status}\n`);
				});
			});
	};
	steer('halt', 'send nothing for this account until it is resumed', 'HALTED');
	steer('reduce', 'close positions only, until the account is resumed', 'REDUCING');
	steer('resume', 'let a halted or reducing account trade again; its losses count anew', 'ACTIVE');
}

/** Sets the margin mode where one is given, and says which one holds. */
async function showMarginMode(account: string, mode: string | undefined): Promise<void> {
	await withDatabase(async (pool) => {
		const { account_id: id, name } = await findAccount(pool, account);
		if (mode !== undefined)
			await setMarginMode(pool, {
				accountId: Number(id),
				marginMode: mode === 'exchange' ? null : mode.toUpperCase(),
				actor: actor(),
			});
		const [row] = await listView(pool, 'account_margin', { where: { account_id: Number(id) } });
		process.stdout.write(`account ${id} ${name}: ${row?.margin_mode ?? 'as it is at the exchange'}\n`);
	});
}

/** Changes the limits that are given, if any, and prints all of them. */
async function showLimits(account: string, options: { readonly json?: boolean }): Promise<void> {
	const changes = givenLimits(options as Readonly<Record<string, unknown>>);
	await withDatabase(async (pool) => {
		const { account_id: id } = await findAccount(pool, account);
		if (Object.keys(changes).length > 0) {
			try {
				await setAccountLimits(pool, { accountId: Number(id), limits: changes, actor: actor() });
			} catch (error) {
				throw asUsage(error);
			}
		}
		const where = { account_id: Number(id) };
		const row = {
			...(await listView(pool, 'accounts', { where }))[0],
			...(await listView(pool, 'account_margin', { where }))[0],
		};
		const limits = Object.fromEntries(limitColumns.map((column) => [column, row[column]]));
		if (options.json) printJson(limits);
		else printFacts(limits);
	});
}

async function openAccount(options: CreateOptions): Promise<void> {
	const isLive = options.mode === 'LIVE';
	if (isLive && !options.live) throw new UsageError('a LIVE account trades with real money: say so with --live');
	const credentials = isLive ? givenCredentials() : null;
	await withDatabase(async (pool, config) => {
		// Only credentials need the key: a PAPER account does not cause one to be made.
		const key = isLive ? await masterKey(config) : '';
		if (credentials !== null) await requireSafeKey(pool, config, options.exchange, options.asset, credentials, options);
		let id: number;
		try {
			id = await createAccount(pool, {
				name: options.name,
				exchangeId: options.exchange,
				mode: options.mode,
				settleAsset: options.asset,
				capital: options.capital,
				credentials: credentials === null ? null : encryptCredentials(credentials, key),
				limits: givenLimits({ ...options }),
				actor: actor(),
			});
		} catch (error) {
			throw asUsage(error);
		}
		if (isLive) {
			const { createVenues } = await import('../../exchange/registry.ts');
			const log = createLogger({ level: 'silent', name: 'cli' });
			const venues = createVenues({
				pool,
				workerId: 'cli',
				log,
				masterKey: key,
				liveAccounts: [...config.liveAccounts, options.name],
			});
			try {
				await recordOpeningBalances(pool, {
					accountId: id,
					balances: await (await venues.tradingVenue(id)).balances(),
				});
			} catch (error) {
				await setAccountStatus(pool, {
					accountId: id,
					status: 'HALTED',
					reason: 'its balances could not be read when it was opened',
					actor: actor(),
				});
				throw error;
			}
		}
		if (options.json) printJson((await listView(pool, 'accounts', { where: { account_id: id } }))[0]);
		else process.stdout.write(`opened account ${id} ${options.name}\n`);
	});
}

function givenCredentials(): Credentials {
	const { EXCHANGE_API_KEY: apiKey, EXCHANGE_API_SECRET: secret } = process.env;
	if (!apiKey || !secret)
		throw new UsageError('a LIVE account needs its credentials in EXCHANGE_API_KEY and EXCHANGE_API_SECRET');
	return { apiKey, secret };
}

/** Asks the exchange about a key before anything is stored: whether it takes it, and what it lets it do. */
async function requireSafeKey(
	pool: Pool,
	config: Config,
	exchangeId: string,
	asset: string,
	credentials: Credentials,
	options: { readonly allowWithdrawals?: boolean },
): Promise<void> {
	const { openVenues } = await import('../market-access.ts');
	const venues = await openVenues(pool, config);
	const { canWithdraw, canTrade } = await venues.askKey(exchangeId, asset, credentials);
	if (canTrade === false)
		throw new BotboxError('EXCHANGE_REFUSED', `the key is for reading only: ${exchangeId} would refuse every order`);
	if (canWithdraw === true && options.allowWithdrawals !== true)
		throw new BotboxError(
			'FORBIDDEN',
			`the key may withdraw money from ${exchangeId}: take that permission from it, or say --allow-withdrawals`,
		);
}

/** A new key in the place of the stored one, once the exchange takes it. The account's state stays as it is. */
async function giveKey(account: string, options: { readonly allowWithdrawals?: boolean }): Promise<void> {
	await withDatabase(async (pool, config) => {
		const row = await findAccount(pool, account);
		if (row.mode !== 'LIVE') throw new UsageError(`account ${row.name} is PAPER: it has no credentials`);
		const credentials = givenCredentials();
		await requireSafeKey(pool, config, String(row.exchange_id), String(row.settle_asset), credentials, options);
		await replaceCredentials(pool, {
			accountId: Number(row.account_id),
			credentials: encryptCredentials(credentials, await masterKey(config)),
			actor: actor(),
		});
		process.stdout.write(
			row.status === 'ACTIVE'
				? `account ${row.account_id} ${row.name} has its new key\n`
				: `account ${row.account_id} ${row.name} has its new key and is ${row.status}: botbox accounts resume ${row.account_id}\n`,
		);
	});
}
