/** Who may do what: every route against every role, with and beyond loopback. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isLoopbackAddress } from '../../src/api/caller.ts';
import { revokeToken } from '../../src/database/functions/administration.ts';
import { makeApi, makeToken, type TestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

type Method = 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'DELETE';
type Role = 'none' | 'viewer' | 'operator' | 'admin';

/** Every route with the least role that it needs; the last test holds this table to the application. */
const table: readonly (readonly [Method, string, Exclude<Role, 'none'> | 'open'])[] = [
	['GET', '/healthz', 'open'],
	['GET', '/readyz', 'open'],
	['GET', '/', 'open'],
	['GET', '/metrics', 'viewer'],
	['GET', '/openapi.json', 'viewer'],
	['GET', '/docs', 'viewer'],
	['GET', '/docs/json', 'viewer'],
	['GET', '/docs/yaml', 'viewer'],
	['GET', '/docs/static/index.html', 'viewer'],
	['GET', '/docs/static/swagger-initializer.js', 'viewer'],
	['GET', '/docs/static/*', 'viewer'],
	['HEAD', '/docs/static/*', 'viewer'],
	['GET', '/api/v1/overview', 'viewer'],
	['GET', '/api/v1/bots', 'viewer'],
	['GET', '/api/v1/bots/:id', 'viewer'],
	['GET', '/api/v1/bots/:id/checks', 'viewer'],
	['GET', '/api/v1/bots/:id/signals', 'viewer'],
	['GET', '/api/v1/bots/:id/trades', 'viewer'],
	['GET', '/api/v1/bots/:id/positions', 'viewer'],
	['GET', '/api/v1/bots/:id/pnl', 'viewer'],
	['GET', '/api/v1/bots/:id/interval-changes', 'viewer'],
	['GET', '/api/v1/signals', 'viewer'],
	['GET', '/api/v1/rejection-reasons', 'viewer'],
	['GET', '/api/v1/trades', 'viewer'],
	['GET', '/api/v1/orders', 'viewer'],
	['GET', '/api/v1/positions', 'viewer'],
	['GET', '/api/v1/accounts', 'viewer'],
	['GET', '/api/v1/account-margin', 'viewer'],
	['GET', '/api/v1/foreign-positions', 'viewer'],
	['GET', '/api/v1/foreign-orders', 'viewer'],
	['GET', '/api/v1/strategies', 'viewer'],
	['GET', '/api/v1/strategy-performance', 'viewer'],
	['GET', '/api/v1/instruments', 'viewer'],
	['GET', '/api/v1/candles', 'viewer'],
	['GET', '/api/v1/regimes', 'viewer'],
	['GET', '/api/v1/correlations', 'viewer'],
	['GET', '/api/v1/exchanges', 'viewer'],
	['GET', '/api/v1/data-freshness', 'viewer'],
	['GET', '/api/v1/pauses', 'viewer'],
	['GET', '/api/v1/alerts', 'viewer'],
	['GET', '/api/v1/workers', 'viewer'],
	['GET', '/api/v1/approvals', 'viewer'],
	['GET', '/api/v1/alert-rules', 'viewer'],
	['GET', '/api/v1/alert-channels', 'viewer'],
	['POST', '/api/v1/trades/:id/approve', 'operator'],
	['POST', '/api/v1/trades/:id/reject', 'operator'],
	['POST', '/api/v1/alert-channels/:id/test', 'operator'],
	['GET', '/api/v1/tokens', 'admin'],
	['POST', '/api/v1/bots', 'operator'],
	['DELETE', '/api/v1/bots/:id', 'operator'],
	['POST', '/api/v1/bots/:id/check', 'operator'],
	['POST', '/api/v1/bots/:id/pause', 'operator'],
	['POST', '/api/v1/bots/:id/resume', 'operator'],
	['POST', '/api/v1/pauses', 'operator'],
	['POST', '/api/v1/flatten', 'operator'],
	['DELETE', '/api/v1/pauses/:id', 'operator'],
	['POST', '/api/v1/session', 'open'],
	['GET', '/api/v1/session', 'viewer'],
	['DELETE', '/api/v1/session', 'viewer'],
	['GET', '/api/v1/signals/:id', 'viewer'],
	['GET', '/api/v1/signals/:id/explanation', 'viewer'],
	['GET', '/api/v1/trades/:id', 'viewer'],
	['GET', '/api/v1/orders/:id', 'viewer'],
	['GET', '/api/v1/positions/:id', 'viewer'],
	['GET', '/api/v1/instruments/:id', 'viewer'],
	['GET', '/api/v1/exchanges/:id', 'viewer'],
	['GET', '/api/v1/accounts/:id', 'viewer'],
	['GET', '/api/v1/accounts/:id/equity', 'viewer'],
	['GET', '/api/v1/strategy-catalogue', 'viewer'],
	['GET', '/api/v1/strategies/:id', 'viewer'],
	['GET', '/api/v1/strategies/:id/diff', 'viewer'],
	['GET', '/api/v1/strategies/:id/versions/:version', 'viewer'],
	['GET', '/api/v1/events', 'viewer'],
	['GET', '/api/v1/rollouts', 'viewer'],
	['GET', '/api/v1/rollout-steps', 'viewer'],
	['GET', '/api/v1/audit-log', 'admin'],
	['PATCH', '/api/v1/bots/:id', 'operator'],
	['POST', '/api/v1/bots/pause', 'operator'],
	['POST', '/api/v1/bots/resume', 'operator'],
	['POST', '/api/v1/trades/:id/resolve', 'operator'],
	['PATCH', '/api/v1/accounts/:id/limits', 'operator'],
	['POST', '/api/v1/accounts/:id/halt', 'operator'],
	['POST', '/api/v1/accounts/:id/margin-mode', 'operator'],
	['POST', '/api/v1/accounts/:id/reduce', 'operator'],
	['POST', '/api/v1/accounts/:id/resume', 'operator'],
	['POST', '/api/v1/accounts/:id/rollout', 'operator'],
	['POST', '/api/v1/accounts/:id/rollout/cancel', 'operator'],
	['POST', '/api/v1/strategies/:id/set', 'operator'],
	['POST', '/api/v1/exchanges/:id/breaker/open', 'operator'],
	['POST', '/api/v1/exchanges/:id/breaker/reset', 'operator'],
	['POST', '/api/v1/alerts/:id/acknowledge', 'operator'],
	['POST', '/api/v1/tokens', 'admin'],
	['DELETE', '/api/v1/tokens/:id', 'admin'],
];
const rank: Readonly<Record<Role | 'open', number>> = { open: 0, none: 0, viewer: 1, operator: 2, admin: 3 };

let database: TestDatabase;
let local: TestApi;
let remote: TestApi;
const tokens: Partial<Record<Role, string>> = {};
beforeAll(async () => {
	database = await createTestDatabase();
	[local, remote] = await Promise.all([makeApi(database.pool), makeApi(database.pool, { host: '0.0.0.0' })]);
	for (const role of ['viewer', 'operator', 'admin'] as const) {
		tokens[role] = (await makeToken(database.pool, role)).token;
	}
});
afterAll(async () => {
	await Promise.all([local.app.close(), remote.app.close()]);
	await database.drop();
});

/** Whether a caller got past the door: anything but 401 and 403, since nothing that is asked for exists. */
async function passes(api: TestApi, method: Method, route: string, role: Role): Promise<boolean> {
	// A stream would stay open; what it is asked for is refused once past the door.
	const url = route
		.replace(':id', '999999')
		.replace(':version', '1')
		.replace('*', 'swagger-ui.css')
		.replace(/events$/, 'events?topics=none');
	const token = tokens[role];
	const { statusCode } = await api.call(method, url, token === undefined ? {} : { token });
	expect(statusCode).toBeLessThan(500 + (route === '/readyz' ? 4 : 0));
	return statusCode !== 401 && statusCode !== 403;
}

describe.each(table)('%s %s needs %s', (method, route, least) => {
	test('beyond loopback', async () => {
		for (const role of ['none', 'viewer', 'operator', 'admin'] as const) {
			expect(await passes(remote, method, route, role), role).toBe(rank[role] >= rank[least]);
		}
	});
	test('on loopback, where reading is free', async () => {
		for (const role of ['none', 'viewer', 'operator', 'admin'] as const) {
			const has = role === 'none' && method === 'GET' ? 'viewer' : role;
			expect(await passes(local, method, route, role), role).toBe(rank[has] >= rank[least]);
		}
	});
});

test('the table above lists exactly the routes of the application', () => {
	const found = local.app.routeTable.map(({ method, url, access }) => [method, url, access].join(' '));
	expect(found.sort()).toEqual(table.map((row) => row.join(' ')).sort());
});

test.each([
	'evil.example',
	'evil.example:8085',
	'localhost.evil.example',
	'127.0.0.1.evil.example',
	'user@localhost',
	'[::1',
	'10.0.0.1',
])('on loopback the Host %j reads nothing without a token', async (host) => {
	const refused = await local.call('GET', '/api/v1/overview', { headers: { host } });
	expect(refused.statusCode).toBe(401);
	expect(refused.headers['www-authenticate']).toContain('Bearer');
	expect((await local.call('GET', '/api/v1/overview', { headers: { host }, token: tokens.viewer! })).statusCode).toBe(
		200,
	);
});

test.each(['localhost', 'LOCALHOST:1', '127.0.0.1:8085', '[::1]:8085'])(
	'on loopback the Host %j may read',
	async (host) => {
		expect((await local.call('GET', '/api/v1/overview', { headers: { host } })).statusCode).toBe(200);
	},
);

test('a token that is unknown, malformed, revoked or expired opens nothing, not even reading on loopback', async () => {
	const revoked = await makeToken(database.pool, 'admin');
	expect((await local.call('GET', '/api/v1/tokens', { token: revoked.token })).statusCode).toBe(200);
	await revokeToken(database.pool, { tokenId: revoked.id });
	const expired = await makeToken(database.pool, 'admin', {
		now: new Date('2026-01-01'),
		expiresAt: new Date('2026-01-02'),
	});
	for (const token of [revoked.token, expired.token, 'bbx_never_issued', 'a b', '"', 'x'.repeat(300)]) {
		const answer = await local.call('GET', '/api/v1/overview', { token });
		expect(answer.statusCode).toBe(401);
		expect(answer.json()).toMatchObject({ code: 'UNAUTHENTICATED', status: 401 });
		if (token.length > 5) expect(answer.body).not.toContain(token);
	}
	const basic = await local.call('GET', '/api/v1/overview', { headers: { authorization: 'Basic YTpi' } });
	expect(basic.statusCode).toBe(401);
});

test('a change names its token in the audit log', async () => {
	const { token } = await makeToken(database.pool, 'operator', { name: 'desk' });
	const made = await local.call('POST', '/api/v1/pauses', { token, body: { scope: 'ALL', reason: 'audit' } });
	expect(made.statusCode).toBe(201);
	const { rows } = await database.pool.query(`select actor from botbox.audit_log where action = 'pause'`);
	expect(rows).toEqual([{ actor: 'token:desk' }]);
	await local.call('DELETE', `/api/v1/pauses/${made.json().pause_id}`, { token });
});

test('tells loopback from what lies beyond it', () => {
	for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '::1']) expect(isLoopbackAddress(host)).toBe(true);
	for (const host of ['0.0.0.0', '::', '10.0.0.1', 'localhost.evil', '127.evil', ''])
		expect(isLoopbackAddress(host)).toBe(false);
});
