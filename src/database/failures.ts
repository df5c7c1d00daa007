/** What a database error means for the caller: wait for the database, try the same again, or give up on the input. */

/** SQLSTATEs after which the same call may succeed: deadlock, serialisation, lock or statement timeout. */
const passing = new Set(['40001', '40P01', '55P03', '57014']);
/** SQLSTATE classes and codes of a database that is away, starting, stopping or full of connections. */
const away = /^(08...|57P0[1-5]|53300|53400|XX000)$/;
const network = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH', 'EAI_AGAIN']);

function codeOf(error: unknown): string {
	// Also of a plain object: pg-boss tells some of its errors as copies.
	const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
	if (typeof code === 'string') return code;
	if (error instanceof AggregateError) return codeOf(error.errors[0]);
	return error instanceof Error && error.cause !== undefined ? codeOf(error.cause) : '';
}

/** The connection was lost or refused: whether the statement was carried out is not known. */
export function isDatabaseAway(error: unknown): boolean {
	const code = codeOf(error);
	if (network.has(code) || away.test(code)) return true;
	// pg gives these no code.
	return (
		error instanceof Error &&
		/^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/.test(
			error.message,
		)
	);
}

/** The statement was rolled back for a passing reason and may be repeated as it is. */
export function isPassing(error: unknown): boolean {
	return passing.has(codeOf(error));
}
