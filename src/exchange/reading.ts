/** Reads of an exchange, with every failure turned into one of ours: try later, or it will not work. */

import { z } from 'zod';
import { BotboxError, errorMessage, RetryLaterError } from '../errors.ts';
import { BadSymbol, BaseError } from './ccxt.ts';
import type { ExchangeLink } from './exchange-link.ts';
import { healthOf, keyRefusal } from './outcomes.ts';

const retryAfterMs = 1_000;

export async function reading<T>(link: ExchangeLink, what: string, read: () => Promise<T>): Promise<T> {
	try {
		return await link.inTime(read);
	} catch (error) {
		throw translated(error, link, what);
	}
}

function translated(error: unknown, link: ExchangeLink, what: string): unknown {
	if (error instanceof BotboxError || link.context.signal?.aborted === true) return error;
	const place = `${link.exchange.exchangeId}: ${what}`;
	if (error instanceof z.ZodError)
		return new BotboxError('EXCHANGE_REFUSED', `${place} was answered in an unknown shape: ${z.prettifyError(error)}`);
	if (error instanceof BadSymbol) return new BotboxError('INSTRUMENT_NOT_FOUND', `${place}: ${error.message}`);
	const refusal = keyRefusal(error, link.client.family);
	switch (healthOf(error, link.client.family)) {
		case 'FAILURE':
		case 'BAN':
			return new RetryLaterError('EXCHANGE_UNAVAILABLE', `${place} failed: ${errorMessage(error)}`, retryAfterMs, {
				cause: error,
			});
		case 'LIMITED':
			return new RetryLaterError('RATE_LIMITED', `${place} was refused for its rate`, retryAfterMs, { cause: error });
		case 'ANSWERED':
			if (refusal !== undefined)
				return new BotboxError('CREDENTIALS_REFUSED', `${link.exchange.exchangeId} does not take the key: ${refusal}`, {
					cause: error,
				});
			return new BotboxError('EXCHANGE_REFUSED', `${place} was refused: ${errorMessage(error)}`, { cause: error });
		default:
			return error instanceof BaseError
				? new BotboxError('EXCHANGE_REFUSED', `${place}: ${errorMessage(error)}`, { cause: error })
				: error;
	}
}
