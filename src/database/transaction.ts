/** Several functions in one transaction: all of their changes or none. */
import type { PoolClient } from 'pg';
import type { Pool } from './pool.ts';

export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
	const client = await pool.connect();
	let failure: Error | undefined;
	try {
		await client.query('begin');
		const result = await work(client);
		await client.query('commit');
		return result;
	} catch (error) {
		await client.query('rollback').catch((lost: Error) => {
			failure = lost;
		});
		throw error;
	} finally {
		client.release(failure);
	}
}
