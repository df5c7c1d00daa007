/**
 * ccxt as far as botbox needs it: two of its exchanges and its errors. Its own entry loads all of its 110 exchanges, which is 50 MiB of each
 * process and half a second of its start; it names no other entry, so its files are found beside it.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as whole from 'ccxt';

const folder = join(dirname(dirname(createRequire(import.meta.url).resolve('ccxt'))), 'js', 'src');
const load = async (file: string): Promise<unknown> => await import(pathToFileURL(join(folder, file)).href);

const [bybitModule, binanceModule, errors] = (await Promise.all(
	['bybit.js', 'binance.js', 'base/errors.js'].map(load),
)) as [{ default: typeof whole.bybit }, { default: typeof whole.binance }, typeof whole.errors];

export const bybit = bybitModule.default;
export type bybit = whole.bybit;
export const binance = binanceModule.default;
export type binance = whole.binance;
export const {
	AuthenticationError,
	BadRequest,
	BadSymbol,
	BaseError,
	DDoSProtection,
	DuplicateOrderId,
	ExchangeNotAvailable,
	InsufficientFunds,
	InvalidNonce,
	InvalidOrder,
	NetworkError,
	NotSupported,
	OnMaintenance,
	OperationRejected,
	RateLimitExceeded,
	RequestTimeout,
} = errors;
