/** The API and the page as one Fastify application that does not listen: tests use it by `inject`, `startApi` serves it. */
import { randomUUID } from 'node:crypto';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { BotboxError } from '../errors.ts';
import { addAccess } from './access.ts';
import type { ApiContext } from './context.ts';
import { addDocuments } from './documents.ts';
import { addMetrics } from './metrics.ts';
import { createOverviewCache } from './overview-cache.ts';
import { addPage } from './page.ts';
import { addProblems, refuseBadUrl } from './problems.ts';
import { addBots } from './routes/bots.ts';
import { addCheckNow } from './routes/checks.ts';
import { addFlatten } from './routes/flatten.ts';
import { addHealth, addOverview } from './routes/health.ts';
import { addLists } from './routes/lists.ts';
import { addPauses } from './routes/pauses.ts';

const bodyLimitBytes = 65_536;
/** Above the 5 s of a check: nothing else takes longer. */
const requestTimeoutMs = 15_000;
const defaultRequestsPerMinute = 3_000;

export async function buildApp(context: ApiContext): Promise<FastifyInstance> {
	const app = fastify({
		loggerInstance: context.log as FastifyBaseLogger,
		// One line a request is the access log of a proxy; here a failure is logged, with its request.
		logController: new LogController({ disableRequestLogging: true }),
		bodyLimit: bodyLimitBytes,
		requestTimeout: requestTimeoutMs,
		exposeHeadRoutes: false,
		genReqId: () => randomUUID(),
		frameworkErrors: refuseBadUrl,
		routerOptions: { maxParamLength: 200 },
	});
	app.setValidatorCompiler(validatorCompiler);
	app.setSerializerCompiler(serializerCompiler);
	addProblems(app, context.log);
	await addProtection(app, context);
	addAccess(app, context);
	await addDocuments(app, context.version);

	const readOverview = createOverviewCache(context.readPool);
	const typed = app.withTypeProvider<ZodTypeProvider>();
	addHealth(typed, context);
	addMetrics(typed, context, readOverview);
	await app.register(
		async (api) => {
			const routes = api.withTypeProvider<ZodTypeProvider>();
			routes.addHook('onSend', async (_request, reply) => {
				reply.header('cache-control', 'no-store');
			});
			addOverview(routes, readOverview);
			addLists(routes, context);
			addBots(routes, context);
			addCheckNow(routes, context);
			addPauses(routes, context);
			addFlatten(routes, context);
		},
		{ prefix: '/api/v1' },
	);
	await addPage(app, context.pageDir);
	return app;
}

async function addProtection(app: FastifyInstance, context: ApiContext): Promise<void> {
	await app.register(helmet, {
		contentSecurityPolicy: {
			useDefaults: false,
			directives: {
				'default-src': ["'none'"],
				'base-uri': ["'none'"],
				'connect-src': ["'self'"],
				'font-src': ["'self'"],
				'form-action': ["'self'"],
				'frame-ancestors': ["'none'"],
				'img-src': ["'self'", 'data:'],
				'manifest-src': ["'self'"],
				'script-src': ["'self'"],
				'style-src': ["'self'"],
			},
		},
		referrerPolicy: { policy: 'no-referrer' },
		xFrameOptions: { action: 'deny' },
		// TLS, where there is any, ends in a proxy before us; saying so is the proxy's.
		strictTransportSecurity: false,
	});
	await app.register(rateLimit, {
		global: true,
		max: context.requestsPerMinute ?? defaultRequestsPerMinute,
		timeWindow: 60_000,
		errorResponseBuilder: (_request, { ttl }) =>
			new BotboxError('RATE_LIMITED', `too many requests: ask again in ${Math.ceil(ttl / 1_000)} s`),
	});
}
