/** Wrong parameters of a strategy, named as fields of the body that they came in. */
import { z } from 'zod';
import { BotboxError } from '../errors.ts';
import { zodFieldErrors } from './field-errors.ts';

export async function namingParameters<T>(work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		if (!(error instanceof BotboxError) || !(error.cause instanceof z.ZodError)) throw error;
		const errors = zodFieldErrors(error.cause).map(({ field, message }) => ({
			field: field === 'body' ? 'parameters' : `parameters.${field}`,
			message,
		}));
		throw new BotboxError('VALIDATION_FAILED', error.message, { details: { errors } });
	}
}
