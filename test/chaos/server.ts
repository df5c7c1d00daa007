/** An embedded server of the drill's own, with the shipped settings, that can be stopped, killed and started again. */
import { readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type EmbeddedServer, startEmbedded } from '../../src/database/embedded/server.ts';
import { keepServerFolder, makeServerFolder, stopAtExit } from '../support/temporary-server.ts';

export interface DrillServer {
	readonly url: string;
	/** For logs and the exchange's state. */
	readonly dir: string;
	readonly dataDir: string;
	stop(): Promise<void>;
	/** SIGKILL to the server's main process: the next start recovers from the log. */
	crash(): Promise<void>;
	start(): Promise<void>;
	/** Ends it; its folder is removed, or kept for the reason given. */
	close(keptFor?: string): Promise<void>;
}

export async function startDrillServer(): Promise<DrillServer> {
	const base = await makeServerFolder();
	const dataDir = join(base, 'data');
	const dir = join(base, 'logs');
	await mkdir(dir);
	let server: EmbeddedServer = await startEmbedded({ dataDir });
	const { url } = server;
	let forget = stopAtExit(server, base);
	return {
		url,
		dir,
		dataDir,
		stop: () => server.stop(),
		crash: async () => {
			const pid = Number.parseInt(readFileSync(join(server.pgdata, 'postmaster.pid'), 'utf8'), 10);
			process.kill(pid, 'SIGKILL');
		},
		start: async () => {
			forget();
			server = await startEmbedded({ dataDir });
			forget = stopAtExit(server, base);
			if (server.url !== url) throw new Error('the server came back at another address: its port was taken meanwhile');
		},
		close: async (keptFor) => {
			forget();
			await server.stop();
			if (keptFor === undefined) await rm(base, { recursive: true, force: true });
			else await keepServerFolder(base, keptFor);
		},
	};
}
