/** The table of outcomes, driven through the transport: a bare HTTP server answers, ccxt reads, the facts decide. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errors as ccxtErrors } from 'ccxt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, createClient, type Family } from '../../src/exchange/ccxt-client.ts';
import {
	classifySending,
	type Health,
	healthOf,
	isDuplicateId,
	type SendingVerdict,
} from '../../src/exchange/outcomes.ts';

let server: Server;
let baseUrl: string;
let answer: (response: ServerResponse) => void;

beforeAll(async () => {
	server = createServer((request, response) => {
		request.resume();
		request.on('end', () => answer(response));
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
	server.closeAllConnections();
	await new Promise((resolve) => server.close(resolve));
});

/** The failure of sending an order to an exchange that answers so. */
async function failureOf(family: Family, status: number, body: unknown, headers: Record<string, string> = {}) {
	answer = (response) => {
		response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
		response.end(typeof body === 'string' ? body : JSON.stringify(body));
	};
	return await failure(family);
}

/** Patient where an answer comes: a busy machine is no failure. */
const patientMs = 20_000;
const clients = new Map<string, Client>();

function clientOf(family: Family, timeoutMs: number): Client {
	const key = `${family} ${timeoutMs}`;
	const client =
		clients.get(key) ??
		createClient({
			exchange: { exchangeId: family, ccxtId: family, baseUrl, sandbox: false },
			credentials: { apiKey: 'key', secret: 'secret' },
			timeoutMs,
			exchangeTime: Date.now,
			gate: (_, send) => send(),
		});
	clients.set(key, client);
	return client;
}

async function failure(family: Family, timeoutMs = patientMs): Promise<unknown> {
	const { ccxt } = clientOf(family, timeoutMs);
	try {
		if (family === 'bybit') await ccxt.request('v5/order/create', 'private', 'POST', {});
		else await ccxt.request('order', 'fapiPrivate', 'POST', {});
	} catch (error) {
		return error;
	}
	throw new Error('it did not fail');
}

type Case = readonly [code: number, verdict: SendingVerdict, health: Health];

describe('Bybit answers with a code', () => {
	test.each<Case>([
		[10000, 'UNKNOWN', 'FAILURE'],
		[10001, 'REFUSED', 'ANSWERED'],
		[10002, 'RESYNC', 'ANSWERED'],
		[10003, 'REFUSED', 'ANSWERED'],
		[10004, 'REFUSED', 'ANSWERED'],
		[10005, 'REFUSED', 'ANSWERED'],
		[10006, 'NOT_ACCEPTED', 'LIMITED'],
		[10009, 'NOT_ACCEPTED', 'BAN'],
		[10010, 'REFUSED', 'ANSWERED'],
		[10014, 'UNKNOWN', 'ANSWERED'],
		[10016, 'UNKNOWN', 'FAILURE'],
		[10018, 'NOT_ACCEPTED', 'BAN'],
		[10027, 'REFUSED', 'ANSWERED'],
		[110003, 'REFUSED', 'ANSWERED'],
		[110004, 'REFUSED', 'ANSWERED'],
		[110007, 'REFUSED', 'ANSWERED'],
		[110012, 'REFUSED', 'ANSWERED'],
		[110017, 'REFUSED', 'ANSWERED'],
		[110030, 'UNKNOWN', 'ANSWERED'],
		[110072, 'UNKNOWN', 'ANSWERED'],
		[110094, 'REFUSED', 'ANSWERED'],
		[170007, 'UNKNOWN', 'FAILURE'],
		[170121, 'REFUSED', 'ANSWERED'],
		[170131, 'REFUSED', 'ANSWERED'],
		[170136, 'REFUSED', 'ANSWERED'],
		[170137, 'REFUSED', 'ANSWERED'],
		[170140, 'REFUSED', 'ANSWERED'],
		[170141, 'UNKNOWN', 'ANSWERED'],
		[170146, 'UNKNOWN', 'ANSWERED'],
		// A code that nobody knows yet: asked about, never taken for a refusal.
		[999999, 'UNKNOWN', 'ANSWERED'],
	])('%d: %s, %s', async (code, verdict, health) => {
		const error = await failureOf('bybit', 200, { retCode: code, retMsg: 'words', result: {}, time: 1 });
		expect(classifySending(error, 'bybit')).toEqual({ verdict, code: String(code), message: 'words' });
		expect(healthOf(error, 'bybit')).toBe(health);
	});
});

describe('Binance answers with a code', () => {
	test.each<Case>([
		[-1000, 'UNKNOWN', 'FAILURE'],
		[-1001, 'UNKNOWN', 'FAILURE'],
		[-1003, 'NOT_ACCEPTED', 'LIMITED'],
		[-1006, 'UNKNOWN', 'FAILURE'],
		[-1007, 'UNKNOWN', 'FAILURE'],
		[-1008, 'NOT_ACCEPTED', 'FAILURE'],
		[-1013, 'REFUSED', 'ANSWERED'],
		[-1015, 'NOT_ACCEPTED', 'LIMITED'],
		[-1021, 'RESYNC', 'ANSWERED'],
		[-1111, 'REFUSED', 'ANSWERED'],
		[-1121, 'REFUSED', 'ANSWERED'],
		[-2010, 'REFUSED', 'ANSWERED'],
		[-2014, 'REFUSED', 'ANSWERED'],
		[-2015, 'REFUSED', 'ANSWERED'],
		[-2019, 'REFUSED', 'ANSWERED'],
		[-4116, 'UNKNOWN', 'ANSWERED'],
		[-9999, 'UNKNOWN', 'ANSWERED'],
	])('%d: %s, %s', async (code, verdict, health) => {
		const error = await failureOf('binance', 400, { code, msg: 'words' });
		expect(classifySending(error, 'binance')).toEqual({ verdict, code: String(code), message: 'words' });
		expect(healthOf(error, 'binance')).toBe(health);
	});

	test('-2010 is a lack of funds or a repeated order: there the words decide', async () => {
		const short = await failureOf('binance', 400, {
			code: -2010,
			msg: 'Account has insufficient balance for requested action.',
		});
		expect(classifySending(short, 'binance').verdict).toBe('REFUSED');
		const repeated = await failureOf('binance', 400, { code: -2010, msg: 'Duplicate order sent.' });
		expect(classifySending(repeated, 'binance').verdict).toBe('UNKNOWN');
	});

	test('a client order id that was seen before is told apart from other unclear answers', async () => {
		const ofBybit = (retCode: number) => failureOf('bybit', 200, { retCode, retMsg: 'words', result: {}, time: 1 });
		for (const code of [110072, 170141, 110030]) expect(isDuplicateId(await ofBybit(code), 'bybit')).toBe(true);
		for (const code of [10016, 110007, 999999]) expect(isDuplicateId(await ofBybit(code), 'bybit')).toBe(false);
		const ofBinance = (code: number, msg: string) => failureOf('binance', 400, { code, msg });
		expect(isDuplicateId(await ofBinance(-4116, 'ClientOrderId is duplicated.'), 'binance')).toBe(true);
		expect(isDuplicateId(await ofBinance(-2010, 'Duplicate order sent.'), 'binance')).toBe(true);
		expect(isDuplicateId(await ofBinance(-2010, 'Account has insufficient balance.'), 'binance')).toBe(false);
		expect(isDuplicateId(await ofBinance(-1007, 'Timeout.'), 'binance')).toBe(false);
	});

	test('503 comes in two kinds: only "Service Unavailable" is a definite failure', async () => {
		const definite = await failureOf('binance', 503, { msg: 'Service Unavailable.' });
		expect(classifySending(definite, 'binance').verdict).toBe('NOT_ACCEPTED');
		const unknown = await failureOf('binance', 503, {
			msg: 'Unknown error, please check your request or try again later.',
		});
		expect(classifySending(unknown, 'binance').verdict).toBe('UNKNOWN');
		const throttled = await failureOf('binance', 503, { code: -1008, msg: 'Request throttled.' });
		expect(classifySending(throttled, 'binance').verdict).toBe('NOT_ACCEPTED');
	});

	test('418 is a ban, 429 a warning of one', async () => {
		const banned = await failureOf('binance', 418, { code: -1003, msg: 'banned' }, { 'Retry-After': '120' });
		expect([classifySending(banned, 'binance').verdict, healthOf(banned, 'binance')]).toEqual(['NOT_ACCEPTED', 'BAN']);
		const warned = await failureOf('binance', 429, { code: -1003, msg: 'too many' });
		expect([classifySending(warned, 'binance').verdict, healthOf(warned, 'binance')]).toEqual([
			'NOT_ACCEPTED',
			'LIMITED',
		]);
	});
});

describe('without a code', () => {
	test.each([
		[403, 'NOT_ACCEPTED', 'BAN'],
		[429, 'NOT_ACCEPTED', 'LIMITED'],
		[500, 'UNKNOWN', 'FAILURE'],
		[502, 'UNKNOWN', 'FAILURE'],
		[503, 'UNKNOWN', 'FAILURE'],
		[504, 'UNKNOWN', 'FAILURE'],
		[520, 'UNKNOWN', 'FAILURE'],
		// A page where an answer should be, as captive portals give: nobody knows.
		[200, 'UNKNOWN', 'ANSWERED'],
		[302, 'UNKNOWN', 'ANSWERED'],
	] as const)('HTTP %d is %s, %s', async (status, verdict, health) => {
		const error = await failureOf('bybit', status, '<html>page</html>');
		expect(classifySending(error, 'bybit').verdict).toBe(verdict);
		expect(healthOf(error, 'bybit')).toBe(health);
	});

	test('silence, a dropped connection and half an answer are UNKNOWN', async () => {
		answer = () => {};
		const silence = await failure('bybit', 200);
		answer = (response) => response.destroy();
		const dropped = await failure('bybit');
		answer = (response) => {
			response.writeHead(200, { 'Content-Length': '1000' });
			response.write('{"retCode":0,');
			setImmediate(() => response.destroy());
		};
		const half = await failure('bybit');
		for (const error of [silence, dropped, half]) {
			expect(classifySending(error, 'bybit').verdict).toBe('UNKNOWN');
			expect(healthOf(error, 'bybit')).toBe('FAILURE');
		}
	});

	test('an error from within, before anything was sent, is judged by its class and told to nobody', () => {
		expect(healthOf(new Error('a defect'), 'bybit')).toBe('NOTHING');
		expect(classifySending(new Error('a defect'), 'bybit').verdict).toBe('UNKNOWN');
	});
});

describe('every code that ccxt knows', () => {
	/** ccxt's classes, subclasses before what they derive from, and what a sending that fails with one of them may be taken for. */
	const verdictsOfClasses: readonly (readonly [name: string, ...verdicts: SendingVerdict[]])[] = [
		// The same id was seen before: the order may stand.
		['DuplicateOrderId', 'UNKNOWN'],
		['InvalidNonce', 'RESYNC', 'REFUSED'],
		['RateLimitExceeded', 'NOT_ACCEPTED'],
		['DDoSProtection', 'NOT_ACCEPTED'],
		['OnMaintenance', 'NOT_ACCEPTED', 'UNKNOWN'],
		['RequestTimeout', 'UNKNOWN'],
		['ExchangeNotAvailable', 'UNKNOWN', 'NOT_ACCEPTED'],
		['NetworkError', 'UNKNOWN'],
		['InsufficientFunds', 'REFUSED'],
		// Asking and cancelling answer so; as the answer to a sending it says nothing.
		['OrderNotFound', 'REFUSED', 'UNKNOWN'],
		['InvalidOrder', 'REFUSED', 'UNKNOWN', 'NOT_ACCEPTED'],
		['BadSymbol', 'REFUSED'],
		['BadRequest', 'REFUSED', 'UNKNOWN', 'NOT_ACCEPTED'],
		['AccountSuspended', 'REFUSED'],
		['PermissionDenied', 'REFUSED', 'NOT_ACCEPTED'],
		// Bybit's 10009 is a ban of the address.
		['AuthenticationError', 'REFUSED', 'NOT_ACCEPTED'],
		['AccountNotEnabled', 'REFUSED'],
		['ArgumentsRequired', 'REFUSED'],
		['NotSupported', 'REFUSED'],
		['OperationRejected', 'REFUSED', 'UNKNOWN'],
		['OperationFailed', 'UNKNOWN', 'NOT_ACCEPTED'],
		['ExchangeError', 'UNKNOWN', 'REFUSED', 'NOT_ACCEPTED'],
		// Of streams, which botbox does not use.
		['UnsubscribeError', 'UNKNOWN'],
		['BaseError', 'UNKNOWN'],
	];

	/** Codes of the exchange with a class of ccxt's, as its client maps them. */
	function codesOf(family: Family): string[] {
		const { ccxt } = clientOf(family, patientMs);
		const maps =
			family === 'bybit' ? [ccxt.exceptions] : [ccxt.exceptions, ccxt.exceptions.linear, ccxt.exceptions.spot];
		const codes = maps.flatMap((map) => Object.keys((map?.exact ?? {}) as object));
		return [...new Set(codes)].filter((code) => /^-?\d+$/.test(code) && code !== '0').sort();
	}

	test.each(['bybit', 'binance'] as const)(
		'%s: is judged as its class may be, a refusal never where it may stand',
		async (family) => {
			const codes = codesOf(family);
			expect(codes.length).toBeGreaterThan(100);
			const odd: string[] = [];
			const verdicts = new Set<SendingVerdict>();
			for (const code of codes) {
				const error =
					family === 'bybit'
						? await failureOf(family, 200, { retCode: Number(code), retMsg: 'words', result: {}, time: 1 })
						: await failureOf(family, 400, { code: Number(code), msg: 'words' });
				const { verdict } = classifySending(error, family);
				verdicts.add(verdict);
				const [name, ...allowed] = verdictsOfClasses.find(([known]) => error instanceof classOf(known)) ?? [
					'BaseError',
				];
				if (!allowed.includes(verdict)) odd.push(`${code} ${name}: ${verdict}`);
			}
			expect(odd).toEqual([]);
			expect([...verdicts].sort()).toEqual(['NOT_ACCEPTED', 'REFUSED', 'RESYNC', 'UNKNOWN']);
		},
		120_000,
	);

	test('every error class of ccxt is in the list, or is of a class that is', () => {
		const listed = verdictsOfClasses.map(([name]) => classOf(name)).filter((known) => known !== classOf('BaseError'));
		const names = Object.keys(ccxtErrors).filter((name) => /^[A-Z]/.test(name) && name !== 'BaseError');
		expect(names.length).toBeGreaterThan(30);
		const missing = names.filter((name) => {
			const made = classOf(name);
			return !listed.some((known) => made === known || made.prototype instanceof known);
		});
		expect(missing).toEqual([]);
	});
});

function classOf(name: string): new (...args: never[]) => Error {
	const found: unknown = (ccxtErrors as Readonly<Record<string, unknown>>)[name];
	if (typeof found !== 'function') throw new Error(`ccxt has no error ${name}`);
	return found as new (
		...args: never[]
	) => Error;
}
