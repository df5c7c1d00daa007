/** The OpenAPI document is the routes: each of them, nothing else, and every reference leads somewhere. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeApi, type TestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

interface Operation {
	readonly summary?: string;
	readonly tags?: readonly string[];
	readonly responses: Readonly<Record<string, unknown>>;
	readonly security?: readonly Readonly<Record<string, unknown>>[];
	readonly 'x-least-role'?: string;
}
interface Document {
	readonly openapi: string;
	readonly tags: readonly { readonly name: string }[];
	readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
	readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

let database: TestDatabase;
let api: TestApi;
let document: Document;
beforeAll(async () => {
	database = await createTestDatabase();
	api = await makeApi(database.pool);
	document = (await api.call('GET', '/openapi.json')).json();
});
afterAll(async () => {
	await api.app.close();
	await database.drop();
});

const operations = () =>
	Object.entries(document.paths).flatMap(([path, methods]) =>
		Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
	);

test('documents exactly the routes, with the role that each needs', () => {
	const routes = api.app.routeTable
		.filter(({ url }) => url !== '/' && url !== '/openapi.json' && !url.startsWith('/docs'))
		.map(({ method, url, access }) => `${method} ${url.replace(/:(\w+)/g, '{$1}')} ${access}`);
	const documented = operations().map(
		({ path, method, operation }) => `${method.toUpperCase()} ${path} ${operation['x-least-role'] ?? 'open'}`,
	);
	expect(documented.sort()).toEqual(routes.sort());
	expect(document.openapi).toBe('3.1.0');
});

test('is a valid OpenAPI 3.1 document, and the check sees one that is not', async () => {
	const rules = new Validator();
	expect(await rules.validate({ ...structuredClone(document) })).toEqual({ valid: true });
	expect(rules.version).toBe('3.1');
	const broken = { ...structuredClone(document), paths: { '/api/v1/bots': { get: { responses: { soon: {} } } } } };
	expect(await new Validator().validate(broken)).toMatchObject({ valid: false });
});

test('every operation says what it does, how it fails, and belongs to a described tag', () => {
	const tags = document.tags.map(({ name }) => name);
	for (const { path, operation } of operations()) {
		expect(operation.summary?.length, path).toBeGreaterThan(5);
		expect(tags, path).toContain(operation.tags?.[0]);
		const isProbe = path === '/healthz' || path === '/readyz';
		const answers = Object.keys(operation.responses);
		expect(
			answers.some((status) => status.startsWith('2')),
			path,
		).toBe(true);
		if (!isProbe) expect(answers, path).toEqual(expect.arrayContaining(['4XX', '5XX']));
	}
});

test('every reference leads to a schema, and every schema is referred to', () => {
	const text = JSON.stringify(document);
	const referred = new Set([...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference));
	const schemas = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
	expect([...referred].filter((reference) => !schemas.some((schema) => reference?.startsWith(schema)))).toEqual([]);
	expect(schemas.filter((schema) => ![...referred].some((reference) => reference?.startsWith(schema)))).toEqual([]);
});

test('lists are documented as pages of their rows', () => {
	for (const [path, row] of [
		['/api/v1/bots', 'Bot'],
		['/api/v1/signals', 'Signal'],
		['/api/v1/bots/{id}/checks', 'Check'],
	] as const) {
		const list = JSON.stringify(document.paths[path]?.get?.responses['200']);
		expect(list).toContain(`#/components/schemas/${row}`);
		expect(list).toContain('"next"');
	}
});

test('shows the documentation under a policy of its own', async () => {
	const page = await api.call('GET', '/docs/');
	expect(page.statusCode).toBe(200);
	expect(page.headers['content-security-policy']).toContain("script-src 'self'");
	expect(page.body).not.toMatch(/(src|href)="https?:/);
	expect((await api.call('GET', '/docs/json')).json()).toEqual(document);
});
