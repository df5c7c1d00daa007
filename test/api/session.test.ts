/** A browser's session: opened by a token or a login link, used with its CSRF token, ended by either side. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashToken } from '../../src/api/door.ts';
import { createLoginCode } from '../../src/database/functions/access.ts';
import { revokeToken } from '../../src/database/functions/administration.ts';
import { makeApi, makeToken, type TestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let api: TestApi;
let remote: TestApi;
beforeAll(async () => {
	database = await createTestDatabase();
	[api, remote] = [await makeApi(database.pool), await makeApi(database.pool, { host: '0.0.0.0' })];
});
afterAll(async () => {
	await Promise.all([api.app.close(), remote.app.close()]);
	await database.drop();
});

const logIn = (body: unknown) => api.call('POST', '/api/v1/session', { body });
async function newLogin(role: 'viewer' | 'operator' | 'admin' = 'operator') {
	const made = await makeToken(database.pool, role, { name: `browser ${randomBytes(4).toString('hex')}` });
	const answer = await logIn({ token: made.token });
	expect(answer.statusCode, answer.body).toBe(201);
	const header = String(answer.headers['set-cookie']);
	return { ...made, header, cookie: header.split(';')[0]!, csrf: answer.json().csrf_token as string };
}
const pause = (headers: Record<string, string>) =>
	api.call('POST', '/api/v1/pauses', { body: { scope: 'ALL', reason: 'by cookie' }, headers });
const pauses = async () =>
	(await database.pool.query<{ count: number }>(`select count(*) as count from botbox.pauses`)).rows[0]!.count;

test('the cookie is out of reach of scripts and of other sites, and holds no token', async () => {
	const { header, token } = await newLogin();
	expect(header).toMatch(/^botbox_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Expires=.* GMT$/);
	expect(header).not.toContain(token);
	const { rows } = await database.pool.query(`select session_hash from botbox.sessions`);
	for (const { session_hash } of rows) expect(header).not.toContain(session_hash.toString('base64url'));
	const proxied = await api.call('POST', '/api/v1/session', {
		body: { token },
		headers: { 'x-forwarded-proto': 'https' },
	});
	expect(proxied.headers['set-cookie']).toContain('; Secure');
});

test('it reads, and says who it is; a change needs the CSRF token and our own origin', async () => {
	const { cookie, csrf } = await newLogin();
	const headers = { cookie };
	const who = await remote.call('GET', '/api/v1/session', { headers });
	expect(who.json()).toEqual({ role: 'operator', actor: expect.stringMatching(/^token:browser /), csrf_token: csrf });
	expect((await remote.call('GET', '/api/v1/overview', { headers })).statusCode).toBe(200);
	const before = await pauses();
	for (const wrong of [
		{},
		{ 'x-csrf-token': '' },
		{ 'x-csrf-token': `${csrf.slice(0, -1)}?` },
		{ 'x-csrf-token': csrf, origin: 'https://evil.example' },
		{ 'x-csrf-token': csrf, origin: 'null' },
	]) {
		const refused = await pause({ cookie, ...wrong } as Record<string, string>);
		expect(refused.json()).toMatchObject({ code: 'FORBIDDEN', status: 403 });
		// The session is as good as before.
		expect(refused.headers['set-cookie']).toBeUndefined();
	}
	expect(await pauses()).toBe(before);
	expect((await pause({ cookie, 'x-csrf-token': csrf, origin: 'http://localhost:8085' })).statusCode).toBe(201);
	expect(await pauses()).toBe(before + 1);
});

test('a session may no more than its token', async () => {
	const { cookie, csrf } = await newLogin('viewer');
	expect((await pause({ cookie, 'x-csrf-token': csrf })).statusCode).toBe(403);
});

test.each(['', 'x', 'A'.repeat(43), '%00', '../../etc', 'A'.repeat(5_000)])(
	'a forged cookie %# opens nothing and is taken back',
	async (value) => {
		const answer = await api.call('GET', '/api/v1/overview', { headers: { cookie: `botbox_session=${value}` } });
		expect(answer.json()).toMatchObject({ code: 'UNAUTHENTICATED', status: 401 });
		expect(answer.headers['set-cookie']).toContain('Max-Age=0');
		if (value.length > 5) expect(answer.body).not.toContain(value);
	},
);

test('it ends when its token is revoked or expires, when its time is over, and when somebody logs out', async () => {
	const works = async (cookie: string, at?: TestApi) =>
		(await (at ?? api).call('GET', '/api/v1/overview', { headers: { cookie } })).statusCode === 200;
	const revoked = await newLogin();
	expect(await works(revoked.cookie)).toBe(true);
	await revokeToken(database.pool, { tokenId: revoked.id });
	expect(await works(revoked.cookie)).toBe(false);

	const left = await newLogin();
	const headers = { cookie: left.cookie, 'x-csrf-token': left.csrf };
	const out = await api.call('DELETE', '/api/v1/session', { headers });
	expect(out.statusCode).toBe(204);
	expect(out.headers['set-cookie']).toContain('Max-Age=0');
	expect(await works(left.cookie)).toBe(false);

	const long = await newLogin();
	const later = await makeApi(database.pool, { clock: () => new Date(Date.now() + 12 * 3_600_000 + 1_000) });
	try {
		expect(await works(long.cookie, later)).toBe(false);
	} finally {
		await later.app.close();
	}
});

test('a login link works once, within its time', async () => {
	const make = async (now?: Date) => {
		const code = randomBytes(32).toString('base64url');
		await createLoginCode(database.pool, { codeHash: hashToken(code), role: 'admin', now });
		return code;
	};
	const code = await make();
	const answers = await Promise.all([logIn({ login_code: code }), logIn({ login_code: code })]);
	expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([201, 401]);
	const opened = answers.find(({ statusCode }) => statusCode === 201)!;
	expect(opened.json()).toMatchObject({ role: 'admin', actor: 'login link' });
	const cookie = String(opened.headers['set-cookie']).split(';')[0]!;
	expect((await api.call('GET', '/api/v1/tokens', { headers: { cookie } })).statusCode).toBe(200);
	expect((await logIn({ login_code: await make(new Date(Date.now() - 31 * 60_000)) })).statusCode).toBe(401);
});

test.each([
	{},
	{ token: '' },
	{ token: 1 },
	{ login_code: 'a b' },
	{ token: 'a', login_code: 'b' },
	{ token: 'unknown' },
])('%j opens nothing', async (body) => {
	const answer = await logIn(body);
	expect([400, 401]).toContain(answer.statusCode);
	expect(answer.headers['set-cookie']).toBeUndefined();
});

test('who guesses tokens is asked for patience, and says so to nobody else', async () => {
	const own = await makeApi(database.pool);
	try {
		const guess = () => own.call('GET', '/api/v1/overview', { token: 'bb_guess' });
		for (let i = 0; i < 60; i++) expect((await guess()).statusCode).toBe(401);
		expect((await guess()).json()).toMatchObject({ code: 'RATE_LIMITED', status: 429 });
		const { token } = await makeToken(database.pool, 'viewer');
		expect((await own.call('GET', '/api/v1/overview', { token })).statusCode).toBe(200);
	} finally {
		await own.app.close();
	}
});

test('each token has its own requests, and its use is noted', async () => {
	const few = await makeApi(database.pool, { requestsPerMinute: 2 });
	try {
		const [first, second] = [await makeToken(database.pool, 'viewer'), await makeToken(database.pool, 'viewer')];
		const ask = async ({ token }: { token: string }) =>
			(await few.call('GET', '/api/v1/session', { token })).statusCode;
		expect([await ask(first), await ask(first), await ask(first)]).toEqual([200, 200, 429]);
		expect(await ask(second)).toBe(200);
		for (;;) {
			const { rows } = await database.pool.query(`select last_used_at from botbox.api_tokens where id = $1`, [
				second.id,
			]);
			if (rows[0].last_used_at !== null) break;
		}
	} finally {
		await few.app.close();
	}
});
