/** Wallet, account and key. */
import { z } from 'zod';
import { ApiError } from '../api-error.ts';
import { add, compare, divide, greatest, isZero, multiply, plain, subtract } from '../decimals.ts';
import type { LogEntry } from '../state/entities.ts';
import { text } from '../trading/checks.ts';
import { feeRates, settleCoin } from '../trading/venue.ts';
import { balanceOf, lockedOf, type MarginSummary, summarizeMargin } from '../trading/wallet.ts';
import { limitOf, newestFirst, optionalText, optionalTime, page, parse } from './input.ts';
import type { PrivateCall, Route } from './route.ts';

export const accountRoutes: readonly Route[] = [
	{ method: 'GET', path: '/v5/account/wallet-balance', access: 'private', limit: 'read', handle: walletBalance },
	{ method: 'GET', path: '/v5/account/info', access: 'private', limit: 'read', handle: info },
	{ method: 'GET', path: '/v5/account/transaction-log', access: 'private', limit: 'read', handle: transactionLog },
	{ method: 'GET', path: '/v5/account/fee-rate', access: 'private', limit: 'read', handle: feeRate },
	{ method: 'POST', path: '/v5/account/set-margin-mode', access: 'private', limit: 'position', handle: setMarginMode },
	{ method: 'GET', path: '/v5/user/query-api', access: 'private', limit: 'read', handle: queryApi },
	{ method: 'GET', path: '/v5/asset/coin/query-info', access: 'private', limit: 'read', handle: coinInfo },
	{
		method: 'GET',
		path: '/v5/asset/transfer/query-account-coins-balance',
		access: 'private',
		limit: 'read',
		handle: accountCoins,
	},
];

const walletRequest = z.object({ accountType: z.enum(['UNIFIED', 'CONTRACT', 'SPOT']), coin: optionalText });

/** https://bybit-exchange.github.io/docs/v5/account/wallet-balance */
function walletBalance(call: PrivateCall): object {
	const { venue, account, input, now } = call;
	const request = parse(walletRequest, input);
	if (request.accountType !== 'UNIFIED') throw new ApiError(10001, 'accountType only support UNIFIED.');
	const margin = summarizeMargin(venue, account, now);
	const asked = request.coin?.split(',');
	const coins = asked ?? Object.keys(account.balances).filter((coin) => !isZero(balanceOf(account, coin)));
	let total = '0';
	for (const coin of Object.keys(account.balances))
		total = add(total, multiply(balanceOf(account, coin), String(venue.market.valueInUsdt(coin, now))));
	const equity = add(total, margin.unrealised);
	const initial = add(margin.positionMargin, margin.orderMargin);
	const rate = (part: string): string => (compare(equity, '0') > 0 ? Number(divide(part, equity)).toFixed(4) : '0');
	return {
		list: [
			{
				accountType: 'UNIFIED',
				accountIMRate: rate(initial),
				accountMMRate: rate(margin.maintenance),
				accountLTV: '',
				totalEquity: plain(equity, 8),
				totalWalletBalance: plain(total, 8),
				totalMarginBalance: plain(equity, 8),
				totalAvailableBalance: plain(greatest('0', subtract(equity, initial)), 8),
				totalPerpUPL: plain(margin.unrealised, 8),
				totalInitialMargin: plain(initial, 8),
				totalMaintenanceMargin: plain(margin.maintenance, 8),
				coin: coins.map((coin) => describeCoin(call, coin, margin)),
			},
		],
	};
}

function describeCoin({ venue, account, now }: PrivateCall, coin: string, margin: MarginSummary): object {
	const isSettle = coin === settleCoin;
	const wallet = balanceOf(account, coin);
	const equity = isSettle ? add(wallet, margin.unrealised) : wallet;
	return {
		coin,
		equity: plain(equity, 10),
		usdValue: plain(multiply(equity, String(venue.market.valueInUsdt(coin, now))), 8),
		walletBalance: plain(wallet, 10),
		locked: plain(lockedOf(venue, account.apiKey, coin), 10),
		borrowAmount: '0',
		availableToBorrow: '',
		// Deprecated by Bybit, which answers it empty; clients then count what is in use.
		availableToWithdraw: '',
		accruedInterest: '0',
		totalOrderIM: isSettle ? plain(margin.orderMargin, 8) : '0',
		totalPositionIM: isSettle ? plain(margin.positionMargin, 8) : '0',
		totalPositionMM: isSettle ? plain(margin.maintenance, 8) : '0',
		unrealisedPnl: isSettle ? plain(margin.unrealised, 8) : '0',
		cumRealisedPnl: isSettle ? cumulativePnl({ venue, account }) : '0',
		bonus: '0',
		marginCollateral: isSettle,
		collateralSwitch: isSettle,
		spotHedgingQty: '0',
	};
}

function cumulativePnl({ venue, account }: Pick<PrivateCall, 'venue' | 'account'>): string {
	let sum = '0';
	for (const position of venue.store.positions.values())
		if (position.apiKey === account.apiKey) sum = add(sum, position.cumRealisedPnl);
	return plain(sum, 8);
}

/** https://bybit-exchange.github.io/docs/v5/account/account-info: 6 is UTA 2.0 Pro. */
function info({ account }: PrivateCall): object {
	return {
		unifiedMarginStatus: 6,
		marginMode: account.marginMode ?? 'REGULAR_MARGIN',
		isMasterTrader: false,
		spotHedgingStatus: 'OFF',
		updatedTime: String(account.createdTime),
		dcpStatus: 'OFF',
		timeWindow: 0,
		smpGroup: 0,
	};
}

const logRequest = z.object({
	accountType: optionalText,
	category: optionalText,
	currency: optionalText,
	baseCoin: optionalText,
	type: optionalText,
	startTime: optionalTime,
	endTime: optionalTime,
	limit: limitOf(50, 20),
	cursor: optionalText,
});
const dayMs = 86_400_000;

/** https://bybit-exchange.github.io/docs/v5/account/transaction-log: 24 hours unless asked otherwise. */
function transactionLog({ venue, account, input, now }: PrivateCall): object {
	const request = parse(logRequest, input);
	const from = request.startTime ?? (request.endTime ?? now) - dayMs;
	const to = request.endTime ?? (request.startTime === undefined ? now : request.startTime + dayMs);
	if (to - from > 7 * dayMs)
		throw new ApiError(10001, 'The time range between startTime and endTime cannot exceed 7 days');
	const wanted = [...newestFirst(venue.store.log)].filter(
		(entry) =>
			entry.apiKey === account.apiKey &&
			entry.time >= from &&
			entry.time <= to &&
			(request.category === undefined || entry.category === request.category) &&
			(request.currency === undefined || entry.currency === request.currency) &&
			(request.baseCoin === undefined || entry.symbol.startsWith(request.baseCoin)) &&
			(request.type === undefined || entry.type === request.type),
	);
	const found = page(wanted, request.limit, request.cursor);
	return { nextPageCursor: found.nextPageCursor, list: found.list.map(describeEntry) };
}

function describeEntry(entry: LogEntry): object {
	const { apiKey: _, time, sequence: __, ...fields } = entry;
	return { ...fields, transSubType: '', bonusChange: '', transactionTime: String(time), extraFees: '' };
}

/** https://bybit-exchange.github.io/docs/v5/account/fee-rate */
function feeRate({ venue, input }: PrivateCall): object {
	const request = parse(
		z.object({ category: z.enum(['spot', 'linear']), symbol: optionalText, baseCoin: optionalText }),
		input,
	);
	const { taker, maker } = feeRates[request.category];
	const list = venue.market
		.inCategory(request.category)
		.filter(({ instrument }) => request.symbol === undefined || instrument.symbol === request.symbol)
		.map(({ instrument }) => ({ symbol: instrument.symbol, takerFeeRate: taker, makerFeeRate: maker }));
	return { list };
}

/**
 * https://bybit-exchange.github.io/docs/v5/account/set-margin-mode: kept and answered, refused while something is held;
 * liquidation is that of cross margin in either mode.
 */
function setMarginMode({ venue, account, input }: PrivateCall): object {
	const { setMarginMode: mode } = parse(z.object({ setMarginMode: text }), input);
	if (mode === (account.marginMode ?? 'REGULAR_MARGIN')) return { reasons: [] };
	const isHeld = [...venue.store.positions.values()].some(
		(position) => position.apiKey === account.apiKey && !isZero(position.size),
	);
	if ((mode !== 'REGULAR_MARGIN' && mode !== 'ISOLATED_MARGIN') || isHeld)
		throw new ApiError(3400045, 'Set margin mode failed');
	account.marginMode = mode;
	venue.store.putAccount(account);
	return { reasons: [] };
}

/** https://bybit-exchange.github.io/docs/v5/user/apikey-info */
function queryApi({ account }: PrivateCall): object {
	const created = new Date(account.createdTime).toISOString();
	return {
		id: String(account.userId),
		note: 'simulated',
		apiKey: account.apiKey,
		readOnly: 0,
		secret: '',
		permissions: {
			ContractTrade: ['Order', 'Position'],
			Spot: ['SpotTrade'],
			Wallet: account.canWithdraw === true ? ['AccountTransfer', 'Withdraw'] : [],
			Options: [],
			Derivatives: ['DerivativesTrade'],
			CopyTrading: [],
			BlockTrade: [],
			Exchange: [],
			NFT: [],
			Affiliate: [],
		},
		ips: ['*'],
		type: 1,
		deadlineDay: 90,
		expiredAt: new Date(account.createdTime + 90 * dayMs).toISOString(),
		createdAt: created,
		unified: 0,
		uta: 1,
		userID: account.userId,
		inviterID: 0,
		vipLevel: 'No VIP',
		mktMakerLevel: '0',
		affiliateID: 0,
		rsaPublicKey: '',
		isMaster: true,
		parentUid: '0',
		kycLevel: 'LEVEL_1',
		kycRegion: '',
	};
}

/** https://bybit-exchange.github.io/docs/v5/asset/coin-info: coins exist, their chains do not: nothing goes in or out. */
function coinInfo({ venue, input }: PrivateCall): object {
	const { coin } = parse(z.object({ coin: optionalText }), input);
	const coins = new Set<string>([settleCoin]);
	for (const { instrument } of venue.market.listings) coins.add(instrument.base).add(instrument.quote);
	const rows = [...coins]
		.filter((name) => coin === undefined || name === coin)
		.map((name) => ({ name, coin: name, remainAmount: '0', chains: [] }));
	return { rows };
}

/** https://bybit-exchange.github.io/docs/v5/asset/all-balance: the funding wallet is empty. */
function accountCoins({ account, input }: PrivateCall): object {
	const request = parse(z.object({ accountType: z.string(), coin: optionalText }), input);
	const unified = request.accountType === 'UNIFIED';
	const coins = request.coin?.split(',') ?? Object.keys(account.balances);
	const balance = coins.map((coin) => {
		const walletBalance = unified ? balanceOf(account, coin) : '0';
		return { coin, walletBalance, transferBalance: walletBalance, bonus: '' };
	});
	return { memberId: String(account.userId), accountType: request.accountType, balance };
}
