/** The built page served by the real API over a database of its own, with a worker that answers to Check now. */
import type { AddressInfo } from 'node:net';
import { hashToken } from '../../src/api/door.ts';
import { createManualChecks } from '../../src/api/manual-checks.ts';
import { newSecret } from '../../src/api/session-cookie.ts';
import { createLoginCode } from '../../src/database/functions/access.ts';
import type { Pool } from '../../src/database/pool.ts';
import { makeApi, makeToken, type TestApi } from '../support/api.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeManualCheck } from '../support/factories/checks.ts';
import { buildPage, pageDir } from './build.ts';
import { type Seed, seedPage } from './seed.ts';

export interface Served {
	readonly pool: Pool;
	readonly api: TestApi;
	readonly seed: Seed;
	/** With a slash at its end. */
	readonly url: string;
	/** A token of that role. */
	readonly operator: string;
	/** A link that logs in as operator, once. */
	loginLink(): Promise<string>;
	close(): Promise<void>;
}

export async function servePage(): Promise<Served> {
	await buildPage();
	const database = await createTestDatabase();
	const { pool } = database;
	const seed = await seedPage(pool);
	const { token: operator } = await makeToken(pool, 'operator');
	const manualChecks = createManualChecks();
	const api = await makeApi(pool, {
		pageDir,
		manualChecks,
		onCheck: async ({ botId, requestedAt, isDryRun }) => {
			const at = new Date(requestedAt);
			await makeManualCheck(pool, botId, { at, isDryRun });
			manualChecks.notify(`${botId} ${(at.getTime() / 1_000).toFixed(6)}`);
		},
	});
	await api.app.listen({ host: '127.0.0.1', port: 0 });
	const url = `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}/`;
	return {
		pool,
		api,
		seed,
		url,
		operator,
		loginLink: async () => {
			const code = newSecret();
			await createLoginCode(pool, { codeHash: hashToken(code), role: 'operator', actor: 'test' });
			return `${url}#/login/${code}`;
		},
		close: async () => {
			api.app.server.closeAllConnections();
			await api.app.close();
			await database.drop();
		},
	};
}

export async function nameOf(pool: Pool, botId: number): Promise<string> {
	const { rows } = await pool.query<{ name: string }>('select name from botbox.bots where id = $1', [botId]);
	return rows[0]!.name;
}
