/** Every operation of the OpenAPI document with random input: no answer that is not documented, no failure of ours, no secret. */
import { Writable } from 'node:stream';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createManualChecks } from '../../src/api/manual-checks.ts';
import type { Logger } from '../../src/logger.ts';
import { makeApi, makeToken, type TestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeManualCheck } from '../support/factories/checks.ts';
import { makeTradingHour } from '../support/factories/trading-hour.ts';
import { fitting, type JsonSchema, wrong } from '../support/from-schema.ts';

interface Parameter {
	readonly name: string;
	readonly in: 'path' | 'query' | 'header';
	readonly required?: boolean;
	readonly schema: JsonSchema;
}
interface Operation {
	readonly parameters?: readonly Parameter[];
	readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
	readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}
type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

let database: TestDatabase;
let api: TestApi;
let document: {
	readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
	readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
};
let token: string;
let log = '';
const runs = 6;
beforeAll(async () => {
	database = await createTestDatabase();
	await makeTradingHour(database.pool);
	({ token } = await makeToken(database.pool, 'admin'));
	const manualChecks = createManualChecks();
	const sink = new Writable({
		write: (chunk, _encoding, done) => {
			log += String(chunk);
			done();
		},
	});
	api = await makeApi(database.pool, {
		manualChecks,
		requestsPerMinute: 1_000_000,
		log: pino({ level: 'trace' }, sink) as Logger,
		onCheck: async ({ botId, requestedAt, isDryRun }) => {
			const at = new Date(requestedAt);
			await makeManualCheck(database.pool, botId, { at, isDryRun });
			manualChecks.notify(`${botId} ${(at.getTime() / 1_000).toFixed(6)}`);
		},
	});
	document = (await api.call('GET', '/openapi.json', { token })).json();
});
afterAll(async () => {
	await api.app.close();
	await database.drop();
});

const find = (ref: string): JsonSchema => document.components.schemas[ref.split('/').at(-1) ?? ''] ?? {};
const operations = () =>
	Object.entries(document.paths)
		.flatMap(([path, methods]) =>
			Object.entries(methods).map(([method, operation]) => ({
				method: method.toUpperCase() as Method,
				path,
				operation,
			})),
		)
		// What is deleted early could not be asked for any more.
		.sort((a, b) => Number(a.method === 'DELETE') - Number(b.method === 'DELETE'));

interface Input {
	readonly parameters: Readonly<Record<string, unknown>>;
	readonly body: unknown;
}

/** Mostly what fits; now and then a part is wrong, or missing, or one too many. */
function inputs({ parameters = [], requestBody }: Operation): fc.Arbitrary<Input> {
	const orWrong = (arbitrary: fc.Arbitrary<unknown>) =>
		fc.oneof({ weight: 6, arbitrary }, { weight: 1, arbitrary: wrong });
	const argumentOf = ({ name, in: place, required, schema }: Parameter): fc.Arbitrary<unknown> => {
		// Things that there are, of which a random number or name would tell of none.
		if (name === 'id')
			return orWrong(fc.oneof(fc.constantFrom(1, 2, 3, 'sim', 'trend_following'), fitting(schema, find)));
		if (name === 'if-match') return orWrong(fc.constant('*'));
		const value = orWrong(fitting(schema, find));
		if (place === 'path' || required === true) return value;
		return fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });
	};
	const body = requestBody?.content['application/json']?.schema;
	return fc.record({
		parameters: fc.record(Object.fromEntries(parameters.map((parameter) => [parameter.name, argumentOf(parameter)]))),
		body:
			body === undefined
				? fc.constant(undefined)
				: fc.oneof({ weight: 3, arbitrary: fitting(body, find) }, { weight: 2, arbitrary: wrong }),
	});
}

function requestOf(path: string, operation: Operation, { parameters }: Input) {
	const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
	let url = path;
	const query = new URLSearchParams();
	const headers: Record<string, string> = {};
	for (const { name, in: place } of operation.parameters ?? []) {
		if (parameters[name] === undefined) continue;
		const value = text(parameters[name]);
		if (place === 'path') url = url.replace(`{${name}}`, encodeURIComponent(value));
		else if (place === 'query') query.set(name, value);
		else headers[name] = encodeURIComponent(value);
	}
	// A stream that is granted does not end by itself: its own tests read it.
	if (path.endsWith('/events')) query.set('topics', 'none');
	return { url: query.size === 0 ? url : `${url}?${query}`, headers };
}

test('no operation gives what is not documented, fails, or shows what is nobody’s business', async () => {
	const { rows } = await database.pool.query<{ hash: string }>(
		`select encode(token_hash, 'hex') as hash from botbox.api_tokens`,
	);
	const secrets = [token, ...rows.map(({ hash }) => hash)];
	const seen = new Map<string, Set<number>>();
	for (const { method, path, operation } of operations()) {
		const name = `${method} ${path}`;
		await fc.assert(
			fc.asyncProperty(inputs(operation), async (input) => {
				const { url, headers } = requestOf(path, operation, input);
				const {
					statusCode,
					headers: answered,
					body,
				} = await api.call(method, url, {
					...{
						token,
						headers: { ...headers, ...(input.body === undefined ? {} : { 'content-type': 'application/json' }) },
					},
					...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
				});
				const what = `${name} ${url} ${JSON.stringify(input.body)} gave ${statusCode} ${body.slice(0, 500)}`;
				// Without a worker the probe is not ready, as documented.
				if (path !== '/readyz') expect(statusCode, what).toBeLessThan(500);
				const documented = [String(statusCode), `${Math.floor(statusCode / 100)}XX`];
				expect(
					documented.some((status) => status in operation.responses),
					what,
				).toBe(true);
				if (statusCode >= 400 && path !== '/readyz') {
					expect(answered['content-type'], what).toBe('application/problem+json; charset=utf-8');
				}
				expect(body, what).not.toMatch(/node_modules|\.ts:\d|at async |select |syntax error/);
				for (const secret of secrets) expect(body.includes(secret), what).toBe(false);
				seen.set(name, (seen.get(name) ?? new Set()).add(statusCode));
			}),
			{ numRuns: runs, seed: 20_261_128 },
		);
	}
	// A test that only ever hears 400 shows nothing: most operations were also answered.
	const answered = [...seen.values()].filter((statuses) => [...statuses].some((status) => status < 300));
	expect(answered.length).toBeGreaterThan(seen.size / 2);
	for (const secret of secrets) expect(log.includes(secret)).toBe(false);
	expect(log).not.toContain('request failed');
	// Nobody got rid of the tables.
	expect((await database.pool.query('select from botbox.bots')).rowCount).toBeGreaterThanOrEqual(3);
});
