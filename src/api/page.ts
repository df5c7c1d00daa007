/** The built page, as files. Names of assets carry a hash of their content, so they never change; the page itself may. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import staticFiles from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { BotboxError } from '../errors.ts';

export async function addPage(app: FastifyInstance, pageDir: string | null): Promise<void> {
	if (pageDir === null || !existsSync(join(pageDir, 'index.html'))) {
		app.get('/', { config: { access: 'open' }, schema: { hide: true } }, async () => {
			throw new BotboxError('NOT_FOUND', 'the page is not built: run npm run build:page');
		});
		return;
	}
	await app.register(staticFiles, {
		root: pageDir,
		prefix: '/',
		cacheControl: false,
		setHeaders: (reply, path) => {
			const isAsset = path.includes('/assets/') || path.includes('\\assets\\');
			reply.header('cache-control', isAsset ? 'public, max-age=31536000, immutable' : 'no-cache');
		},
	});
}
