/** The OpenAPI 3.1 document, written from the routes' own schemas, and the page that shows it. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';

const description = `Signal generation and trade orchestration for many trading bots.

Lists answer \`{ items, next }\`: \`next\` goes into \`after\` for the next page. Money and quantities are decimal text. Errors are
problem documents (RFC 9457) with a registered \`code\`. On loopback, reading needs no token; a change always needs one, made by
\`botbox tokens create --role operator\`. A browser logs in by \`POST /api/v1/session\` and sends \`X-CSRF-Token\` with every change.
A POST with an \`Idempotency-Key\` may be sent again: it is done once.`;

const tags = [
	['overview', 'The state of everything'],
	['bots', 'Bots and what they did'],
	['signals', 'What checks decided'],
	['execution', 'Trades, orders, positions and accounts'],
	['market', 'Exchanges, instruments and candles'],
	['strategies', 'Strategies and their versions'],
	['operation', 'Pauses, alerts, workers and tokens'],
	['health', 'Probes and metrics'],
] as const;

/** Registers before the routes that it documents. */
export async function addDocuments(app: FastifyInstance, version: string): Promise<void> {
	await app.register(swagger, {
		openapi: {
			openapi: '3.1.0',
			info: { title: 'botbox', version, description, license: { name: 'MIT', identifier: 'MIT' } },
			tags: tags.map(([name, text]) => ({ name, description: text })),
			components: {
				securitySchemes: {
					token: { type: 'http', scheme: 'bearer' },
					session: { type: 'apiKey', in: 'cookie', name: 'botbox_session' },
				},
			},
		},
		transform: (given) => {
			const { schema, url } = jsonSchemaTransform(given);
			const access = given.route.config?.access;
			if (access === undefined || access === 'open') return { schema, url };
			// Viewers need no token on loopback, which an empty requirement says.
			const security = [{ token: [] }, { session: [] }, ...(access === 'viewer' ? [{}] : [])];
			return { schema: { ...schema, security, 'x-least-role': access }, url };
		},
		transformObject: (given) => withoutUnused(jsonSchemaTransformObject(given)),
	});
	await app.register(swaggerUi, {
		routePrefix: '/docs',
		uiConfig: { validatorUrl: null, deepLinking: true, docExpansion: 'list' },
		// The page brings a style sheet and icons inside its HTML; scripts only as files.
		staticCSP: {
			'default-src': ["'none'"],
			'base-uri': ["'none'"],
			'connect-src': ["'self'"],
			'font-src': ["'self'", 'data:'],
			'form-action': ["'none'"],
			'frame-ancestors': ["'none'"],
			'img-src': ["'self'", 'data:'],
			'script-src': ["'self'"],
			'style-src': ["'self'", "'unsafe-inline'"],
		},
	});
	app.get('/openapi.json', { config: { access: 'viewer' }, schema: { hide: true } }, async () => app.swagger());
}

/** Each registered schema comes as input and as output; what nothing refers to only confuses. */
function withoutUnused<T extends object>(document: T): T {
	const { components, ...rest } = document as T & { components?: { schemas?: Readonly<Record<string, unknown>> } };
	const schemas = components?.schemas ?? {};
	const used = new Set<string>();
	const visit = (value: unknown): void => {
		for (const [, name] of JSON.stringify(value).matchAll(/"#\/components\/schemas\/([^"/]+)/g)) {
			if (name === undefined || used.has(name)) continue;
			used.add(name);
			visit(schemas[name] ?? null);
		}
	};
	visit(rest);
	const kept = Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name)));
	return { ...document, components: { ...components, schemas: kept } };
}
