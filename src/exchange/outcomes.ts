/**
 * What a failed call means. The exchange's own code decides, then how far the request got, then ccxt's class; words of a
 * message count only where an exchange uses one code for two different things. In doubt the answer is UNKNOWN: asking
 * costs one read, sending twice costs money.
 */
import { errorMessage } from '../errors.ts';
import {
	AuthenticationError,
	BadRequest,
	DDoSProtection,
	DuplicateOrderId,
	InsufficientFunds,
	InvalidNonce,
	InvalidOrder,
	NotSupported,
	OnMaintenance,
	OperationRejected,
	RateLimitExceeded,
} from './ccxt.ts';
import type { Family } from './ccxt-client.ts';
import { type CallFacts, factsOf } from './transport.ts';

/** RESYNC: refused for its timestamp, so measure the exchange's clock and send once more. */
export type SendingVerdict = 'REFUSED' | 'NOT_ACCEPTED' | 'UNKNOWN' | 'RESYNC';

/** Bybit v5: https://bybit-exchange.github.io/docs/v5/error */
const bybitVerdicts: Readonly<Record<string, SendingVerdict>> = {
	10000: 'UNKNOWN', // server timeout
	10002: 'RESYNC', // timestamp outside the receive window
	10006: 'NOT_ACCEPTED', // too many requests of this account
	10009: 'NOT_ACCEPTED', // IP banned
	10014: 'UNKNOWN', // duplicate request: an earlier one was taken
	// "Internal server error or service restarting", and seen with "Request timeout": it does not say whether the order
	// was taken.
	10016: 'UNKNOWN',
	10018: 'NOT_ACCEPTED', // too many requests of this IP
	10429: 'NOT_ACCEPTED', // system-wide frequency protection
	5004: 'UNKNOWN', // server timeout
	12141: 'UNKNOWN', // duplicate client order id
	110030: 'UNKNOWN', // duplicate order id
	110072: 'UNKNOWN', // duplicate orderLinkId, derivatives
	110063: 'REFUSED', // settlement in progress
	110066: 'REFUSED', // no trading at this time
	110079: 'UNKNOWN', // the order is being processed
	170001: 'UNKNOWN', // internal error
	170005: 'NOT_ACCEPTED', // too many new orders
	170007: 'UNKNOWN', // backend timeout
	170032: 'UNKNOWN', // network error
	170141: 'UNKNOWN', // duplicate client order id, spot
	170146: 'UNKNOWN', // order creation timeout
	170147: 'UNKNOWN', // order cancellation timeout
	170222: 'NOT_ACCEPTED', // too many requests in this time frame
};

/** Binance spot and USDⓈ-M: https://developers.binance.com/docs/binance-spot-api-docs/errors and its futures sister. */
const binanceVerdicts: Readonly<Record<string, SendingVerdict>> = {
	'-1000': 'UNKNOWN', // unknown error while processing
	'-1001': 'UNKNOWN', // disconnected, internal error
	'-1003': 'NOT_ACCEPTED', // too many requests
	'-1006': 'UNKNOWN', // unexpected response, execution status unknown
	'-1007': 'UNKNOWN', // backend timeout, execution status unknown
	'-1008': 'NOT_ACCEPTED', // throttled by system protection: a definite failure
	'-1015': 'NOT_ACCEPTED', // too many orders
	'-1016': 'NOT_ACCEPTED', // service shutting down
	'-1021': 'RESYNC', // timestamp outside the receive window
	// Futures codes that ccxt knows at Binance's own addresses only.
	'-2018': 'REFUSED', // balance not sufficient
	'-2019': 'REFUSED', // margin not sufficient
	'-2020': 'REFUSED', // unable to fill
	'-2022': 'REFUSED', // reduce-only refused
	'-2024': 'REFUSED', // position not sufficient
	'-2025': 'REFUSED', // too many open orders
	'-2027': 'REFUSED', // position beyond the leverage's maximum
	'-4131': 'REFUSED', // the book's best price is too far from the mark
	'-4164': 'REFUSED', // below the minimum notional
	'-4116': 'UNKNOWN', // duplicate client order id, futures
};

const verdictsByCode: Readonly<Record<Family, Readonly<Record<string, SendingVerdict>>>> = {
	bybit: bybitVerdicts,
	binance: binanceVerdicts,
};

/** One code for two things: Binance's -2010 is both a lack of funds and a repeated client order id. */
const ambiguousCodes: Readonly<
	Record<string, readonly { readonly message: string; readonly verdict: SendingVerdict }[]>
> = { '-2010': [{ message: 'Duplicate order sent.', verdict: 'UNKNOWN' }] };

const verdictsByStatus: Readonly<Record<number, SendingVerdict>> = {
	403: 'NOT_ACCEPTED', // Bybit's IP limit, Binance's firewall
	418: 'NOT_ACCEPTED', // Binance's ban
	429: 'NOT_ACCEPTED',
};

/** Subclasses before what they derive from. */
const verdictsByClass: readonly (readonly [abstract new (...args: never[]) => Error, SendingVerdict])[] = [
	[DuplicateOrderId, 'UNKNOWN'],
	[InvalidNonce, 'RESYNC'],
	[RateLimitExceeded, 'NOT_ACCEPTED'],
	[DDoSProtection, 'NOT_ACCEPTED'],
	[OnMaintenance, 'NOT_ACCEPTED'],
	[InsufficientFunds, 'REFUSED'],
	[InvalidOrder, 'REFUSED'],
	[BadRequest, 'REFUSED'],
	[AuthenticationError, 'REFUSED'],
	[OperationRejected, 'REFUSED'],
	[NotSupported, 'REFUSED'],
];

export interface SendingFailure {
	readonly verdict: SendingVerdict;
	readonly code: string;
	readonly message: string;
}

/** Classifies the failure of an order's sending. */
export function classifySending(error: unknown, family: Family): SendingFailure {
	const facts = factsOf(error);
	const name = error instanceof Error ? error.constructor.name : 'Error';
	const message = facts?.message ?? errorMessage(error);
	return { verdict: sendingVerdict(error, facts, family), code: facts?.code ?? String(facts?.status ?? name), message };
}

function sendingVerdict(error: unknown, facts: CallFacts | undefined, family: Family): SendingVerdict {
	if (facts?.phase === 'NOT_SENT') return 'NOT_ACCEPTED';
	if (facts?.phase === 'LOST') return 'UNKNOWN';
	if (facts?.code !== undefined) {
		const words = ambiguousCodes[facts.code]?.find(({ message }) => message === facts.message);
		const verdict = words?.verdict ?? verdictsByCode[family][facts.code];
		if (verdict !== undefined) return verdict;
	}
	const status = facts?.status ?? 0;
	const byStatus = verdictsByStatus[status];
	if (byStatus !== undefined) return byStatus;
	if (status >= 500) {
		// Binance's 503 comes in two kinds without a code of their own: only this wording is a definite failure.
		const isRefusal = family === 'binance' && status === 503 && facts?.message?.startsWith('Service Unavailable');
		return isRefusal === true ? 'NOT_ACCEPTED' : 'UNKNOWN';
	}
	return verdictsByClass.find(([type]) => error instanceof type)?.[1] ?? 'UNKNOWN';
}

/**
 * What a failure says of the exchange's health. FAILURE counts for the breaker; BAN opens it; LIMITED blocks a bucket;
 * ANSWERED is a refusal by a healthy exchange; NOTHING: the exchange was not reached for a reason of ours.
 */
export type Health = 'FAILURE' | 'BAN' | 'LIMITED' | 'ANSWERED' | 'NOTHING';

const healthByCode: Readonly<Record<Family, Readonly<Record<string, Health>>>> = {
	bybit: {
		10000: 'FAILURE',
		10006: 'LIMITED',
		10009: 'BAN',
		10016: 'FAILURE',
		10018: 'BAN',
		10429: 'LIMITED',
		170005: 'LIMITED',
		170007: 'FAILURE',
		170222: 'LIMITED',
		5004: 'FAILURE',
	},
	binance: {
		'-1000': 'FAILURE',
		'-1001': 'FAILURE',
		'-1003': 'LIMITED',
		'-1006': 'FAILURE',
		'-1007': 'FAILURE',
		'-1008': 'FAILURE',
		'-1015': 'LIMITED',
		'-1016': 'FAILURE',
	},
};

const healthByStatus: Readonly<Record<number, Health>> = { 403: 'BAN', 418: 'BAN', 429: 'LIMITED' };

export function healthOf(error: unknown, family: Family): Health {
	const facts = factsOf(error);
	if (facts === undefined) return 'NOTHING';
	if (facts.phase !== 'ANSWERED') return 'FAILURE';
	const byStatus = healthByStatus[facts.status ?? 0];
	if (byStatus !== undefined) return byStatus;
	const byCode = facts.code === undefined ? undefined : healthByCode[family][facts.code];
	if (byCode !== undefined) return byCode;
	return (facts.status ?? 0) >= 500 ? 'FAILURE' : 'ANSWERED';
}

/** Codes that say clearly: there is no such order. */
const missingOrderCodes: Readonly<Record<Family, ReadonlySet<string>>> = {
	bybit: new Set(['110001', '170213']),
	binance: new Set(['-2013', '-2011']),
};

export function isMissingOrder(error: unknown, family: Family): boolean {
	const code = factsOf(error)?.code;
	return code !== undefined && missingOrderCodes[family].has(code);
}

/** Settings that already are as asked for: leverage, margin mode, position mode, stops. */
const unchangedCodes: Readonly<Record<Family, ReadonlySet<string>>> = {
	bybit: new Set(['110025', '110026', '110043', '34040']),
	binance: new Set(['-4046', '-4059']),
};

export function isUnchanged(error: unknown, family: Family): boolean {
	const code = factsOf(error)?.code;
	return code !== undefined && unchangedCodes[family].has(code);
}

/** Codes by which an exchange refuses a client order id that it has seen before: an earlier sending had arrived. */
const duplicateIdCodes: Readonly<Record<Family, ReadonlySet<string>>> = {
	bybit: new Set(['10014', '12141', '110030', '110072', '170141']),
	binance: new Set(['-4116']),
};

export function isDuplicateId(error: unknown, family: Family): boolean {
	const facts = factsOf(error);
	if (facts?.code === undefined) return false;
	if (duplicateIdCodes[family].has(facts.code)) return true;
	return ambiguousCodes[facts.code]?.some(({ message }) => message === facts.message) ?? false;
}

/** Codes that speak of the key itself, and what they say of it. */
const keyRefusals: Readonly<Record<Family, Readonly<Record<string, string>>>> = {
	bybit: {
		10003: 'it is not known there',
		10004: 'the secret does not belong to it',
		10005: 'it lacks a permission',
		10007: 'its authentication failed',
		10010: 'it is bound to another IP address',
		33004: 'it has expired',
	},
	binance: {
		'-1022': 'the secret does not belong to it',
		'-2008': 'it is not known there',
		'-2014': 'it is not well-formed',
		'-2015': 'it is not known there, lacks a permission or is bound to another IP address',
	},
};

/** Why the exchange refused the credentials themselves, in words; undefined if it did not. No other call with them will fare better. */
export function keyRefusal(error: unknown, family: Family): string | undefined {
	const facts = factsOf(error);
	const words = facts?.phase === 'ANSWERED' ? keyRefusals[family][facts.code ?? ''] : undefined;
	return words === undefined ? undefined : `${words} (${facts?.code})`;
}

/** Binance's futures codes for a lack of money, which ccxt knows at Binance's own addresses only. */
const lackOfFunds: ReadonlySet<string> = new Set(['-2018', '-2019']);

/** A refusal that speaks of the account, its money or its key; any other may come of figures of the market that have changed. */
export function speaksOfAccount(error: unknown): boolean {
	if (error instanceof InsufficientFunds || error instanceof AuthenticationError) return true;
	return lackOfFunds.has(factsOf(error)?.code ?? '');
}

export function isOutOfTime(error: unknown, family: Family): boolean {
	const code = factsOf(error)?.code;
	return code !== undefined && verdictsByCode[family][code] === 'RESYNC';
}
