/** The API and the page as one Fastify application that does not listen: tests use it by `inject`, `startApi` serves it. */
import { randomUUID } from 'node:crypto';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { BotboxError } from '../errors.ts';
import { addAccess } from './access.ts';
import { boundClosing } from './closing.ts';
import type { ApiContext } from './context.ts';
import { addDocuments } from './documents.ts';
import { addEvents } from './events/routes.ts';
import { addIdempotency } from './idempotency.ts';
import { addMetrics } from './metrics.ts';
import { createOverviewCache } from './overview-cache.ts';
import { addPage } from './page.ts';
import { addProblems, refuseBadUrl } from './problems.ts';
import { addAccounts } from './routes/accounts.ts';
import { addAlerting } from './routes/alerting.ts';
import { addApprovals } from './routes/approvals.ts';
import { addBotChanges } from './routes/bot-changes.ts';
import { addBots } from './routes/bots.ts';
import { addCheckNow } from './routes/checks.ts';
import { addExecution } from './routes/execution.ts';
import { addFlatten } from './routes/flatten.ts';
import { addHealth, addOverview } from './routes/health.ts';
import { addLists } from './routes/lists.ts';
import { addOperation } from './routes/operation.ts';
import { addPauses } from './routes/pauses.ts';
import { addRollouts } from './routes/rollouts.ts';
import { addSession } from './routes/session.ts';
import { addSignals } from './routes/signals.ts';
import { addStrategies } from './routes/strategies.ts';

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
	boundClosing(app);
	addProblems(app, context.log);
	// Its hook comes first, so that requests are counted by their caller.
	addAccess(app, context);
	await addProtection(app, context);
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
			addIdempotency(routes, context);
			addSession(routes, context);
			addOverview(routes, readOverview);
			addLists(routes, context);
			addBots(routes, context);
			addBotChanges(routes, context);
			addCheckNow(routes, context);
			addSignals(routes, context);
			addExecution(routes, context);
			addApprovals(routes, context);
			addAccounts(routes, context);
			addStrategies(routes, context);
			addPauses(routes, context);
			addFlatten(routes, context);
			addRollouts(routes, context);
			addOperation(routes, context);
			addAlerting(routes, context);
			addEvents(routes, context);
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
		// Who is behind the door already is counted by name: one trader's script does not use up another's requests.
		keyGenerator: (request) => request.caller?.account ?? `address ${request.ip}`,
		errorResponseBuilder: (_request, { ttl }) =>
			new BotboxError('RATE_LIMITED', `too many requests: ask again in ${Math.ceil(ttl / 1_000)} s`),
	});
}
