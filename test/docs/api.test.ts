/** docs/api.md lists the routes as they are, and its figures are those of the code. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeApi, type TestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { readDocument, tableOf } from './markdown.ts';

const text = readDocument('docs/api.md');
let database: TestDatabase;
let api: TestApi;
let routes: string[][];
beforeAll(async () => {
	database = await createTestDatabase();
	api = await makeApi(database.pool);
	const { paths } = (await api.call('GET', '/openapi.json')).json() as {
		paths: Record<string, Record<string, { summary: string; 'x-least-role'?: string }>>;
	};
	routes = Object.entries(paths).flatMap(([path, methods]) =>
		Object.entries(methods).map(([method, operation]) => [
			...[method.toUpperCase(), path, operation['x-least-role'] ?? 'open', operation.summary],
		]),
	);
});
afterAll(async () => {
	await api.app.close();
	await database.drop();
});

test('lists every route with its role and what it does, and no other', () => {
	const listed = tableOf(text, 'method', 'path', 'role', 'does');
	const expected = routes
		.filter(([, path]) => path?.startsWith('/api/v1'))
		.map(([method, path, role, does]) => [method, `\`${path?.replace('/api/v1', '')}\``, role, does]);
	expect(expected.length).toBeGreaterThan(60);
	expect(listed.map((row) => row.join(' ')).sort()).toEqual(expected.map((row) => row.join(' ')).sort());
});

test('every path in its examples is a route', () => {
	const known = routes.map(
		([, path = '']) => new RegExp(`^${path.replace('/api/v1', '').replace(/\{\w+\}/g, '[^/]+')}$`),
	);
	const shown = [...text.matchAll(/\$URL(\/[\w/-]+)/g)].map(([, path = '']) => path);
	expect(shown.length).toBeGreaterThan(8);
	expect(shown.filter((path) => !known.some((route) => route.test(path)))).toEqual([]);
});

test('every status that it names is one of a registered error or of a success', async () => {
	const { errorRegistry } = await import('../../src/errors.ts');
	const statuses = new Set(Object.values(errorRegistry).map(({ status }): number => status));
	const named = [...text.matchAll(/\b(4\d\d|50\d)\b(?! bytes)/g)]
		.map(([status]) => Number(status))
		.filter((status) => status !== 500);
	expect(named.filter((status) => !statuses.has(status))).toEqual([]);
});
