/** Who calls: https://bybit-exchange.github.io/docs/v5/guide#authentication */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ApiError } from '../api-error.ts';
import type { Account } from '../state/entities.ts';

const standardWindowMs = 5_000;
/** How far a request may be ahead of the server. */
const aheadMs = 1_000;

/** The account of a signed request; `payload` is the raw query (GET) or body (POST). */
export function authenticate(
	accounts: ReadonlyMap<string, Account>,
	headers: IncomingHttpHeaders,
	payload: string,
	serverTime: number,
): Account {
	const apiKey = headerOf(headers, 'x-bapi-api-key');
	const stamp = headerOf(headers, 'x-bapi-timestamp');
	const signature = headerOf(headers, 'x-bapi-sign');
	const window = headerOf(headers, 'x-bapi-recv-window');
	if (apiKey === '' || stamp === '' || signature === '')
		throw new ApiError(
			10001,
			`empty value: apiTimestamp[${stamp}] apiKey[${apiKey}] apiSignature[${signature}]: openapi sign params error!`,
		);
	const account = accounts.get(apiKey);
	if (account === undefined) throw new ApiError(10003, 'API key is invalid.');
	const time = Number(stamp);
	const windowMs = window === '' ? standardWindowMs : Number(window);
	if (!(time >= serverTime - windowMs && time < serverTime + aheadMs))
		throw new ApiError(
			10002,
			`invalid request, please check your server timestamp or recv_window param. req_timestamp[${stamp}],server_timestamp[${serverTime}],recv_window[${windowMs}]`,
		);
	const origin = `${stamp}${apiKey}${window}${payload}`;
	const expected = createHmac('sha256', account.secret).update(origin).digest();
	const given = Buffer.from(signature, 'hex');
	if (given.length !== expected.length || !timingSafeEqual(given, expected))
		throw new ApiError(10004, `error sign! origin_string[${origin}]`);
	return account;
}

function headerOf(headers: IncomingHttpHeaders, name: string): string {
	const value = headers[name];
	return typeof value === 'string' ? value : '';
}
