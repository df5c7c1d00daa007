/** GET /events: what changes, as server-sent events, for as long as the reader stays. */
import { z } from 'zod';
import { BotboxError } from '../../errors.ts';
import { callerOf } from '../access.ts';
import type { ApiContext, ApiServer } from '../context.ts';
import { isStillValid } from '../door.ts';
import { problemResponses } from '../problems.ts';
import { idSchema } from '../schemas.ts';
import { createFeed, topics } from './feed.ts';
import { createHub } from './hub.ts';

const mostStreams = 1_000;

const query = z.strictObject({
	topics: z
		.string()
		.max(200)
		.transform((text) => [...new Set(text.split(','))])
		.pipe(z.array(z.enum(topics)).min(1))
		.optional()
		.meta({ description: `Of ${topics.join(', ')}, separated by commas; all by default` }),
	bot_id: idSchema.optional().meta({ description: 'Only what is about this bot, and alerts' }),
});
const headers = z.object({
	'last-event-id': z.string().max(50).optional().meta({ description: 'Goes on after this event' }),
});

export function addEvents(app: ApiServer, context: ApiContext): void {
	const hub = createHub({ feed: createFeed(context.pool), changes: context.changes, log: context.log });
	// Before the server waits for open requests: these would never end by themselves.
	app.addHook('preClose', async () => hub.close());
	app.get(
		'/events',
		{
			config: { access: 'viewer' },
			schema: {
				tags: ['overview'],
				summary: 'Checks, signals, trades, orders, positions and alerts as they change, as server-sent events',
				description:
					'An event is named after its topic; its data is `{ items, omitted }`: rows as the lists give them, at most 200 a second and topic, and how many more changed. Resumed by `Last-Event-ID` it may repeat rows and lacks none; `reset` says that lists are to be read anew.',
				querystring: query,
				headers,
				produces: ['text/event-stream'],
				response: {
					200: { description: 'The stream', content: { 'text/event-stream': { schema: z.string() } } },
					...problemResponses,
				},
			},
		},
		async (request, reply) => {
			const { credential } = callerOf(request);
			const given = request.headers['last-event-id'] ?? '';
			if (given !== '' && !/^\d{1,15}$/.test(given)) {
				const errors = [{ field: 'Last-Event-ID', message: 'expected the id of an event' }];
				throw new BotboxError('VALIDATION_FAILED', 'Last-Event-ID: expected the id of an event', {
					details: { errors },
				});
			}
			if (hub.size >= mostStreams) throw new BotboxError('RATE_LIMITED', `there are ${mostStreams} streams already`);
			reply.hijack();
			const { raw } = reply;
			const kept = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined);
			raw.writeHead(200, {
				...(Object.fromEntries(kept) as Record<string, string | number | string[]>),
				'content-type': 'text/event-stream; charset=utf-8',
				'cache-control': 'no-store',
				// Proxies that collect answers would hold the events back.
				'x-accel-buffering': 'no',
			});
			raw.flushHeaders();
			hub.add(raw, {
				topics: request.query.topics ?? topics,
				botId: request.query.bot_id ?? null,
				after: given === '' ? null : Number(given),
				credential: credential === null ? 'local' : credential.hash.toString('hex'),
				isStillValid: async () => credential === null || (await isStillValid(context, credential)),
			});
		},
	);
}
