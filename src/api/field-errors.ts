/** Every wrong field of an input, by name, from zod's issues. */
import type { ZodFastifySchemaValidationError } from 'fastify-type-provider-zod';
import type { z } from 'zod';

export interface FieldError {
	/** As the caller wrote it, e.g. `parameters.weights.macd`; `body` for the whole. */
	readonly field: string;
	readonly message: string;
}

/** From what the validator of a route found. */
export function fieldErrors(errors: readonly ZodFastifySchemaValidationError[]): FieldError[] {
	return errors.flatMap((error) => {
		const path = error.instancePath.split('/').filter((part) => part !== '');
		const { keys } = error.params as { readonly keys?: readonly string[] };
		return describe(path, error.keyword, keys ?? [], error.message ?? 'is not valid');
	});
}

export function zodFieldErrors(error: z.ZodError): FieldError[] {
	return error.issues.flatMap((issue) => {
		const keys = issue.code === 'unrecognized_keys' ? issue.keys : [];
		return describe(issue.path.map(String), issue.code, keys, issue.message);
	});
}

function describe(path: readonly string[], kind: string, keys: readonly string[], message: string): FieldError[] {
	if (kind === 'unrecognized_keys') {
		return keys.map((key) => ({ field: [...path, key].join('.').slice(0, 200), message: 'there is no such field' }));
	}
	return [{ field: path.length === 0 ? 'body' : path.join('.'), message }];
}
