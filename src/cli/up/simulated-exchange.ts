/** The simulated exchange beside `up`: its address, its state and the keys of the demo account. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { BotboxError, errorMessage } from '../../errors.ts';

const state = z.object({ port: z.number().int(), apiKey: z.string(), secret: z.string() });
export type SimulatorState = z.output<typeof state>;

/** Port and keys of this data directory's exchange, made at the first start. The port is free when this returns. */
export async function readSimulatorState(dataDir: string): Promise<SimulatorState> {
	const path = join(dataDir, 'simulator.json');
	const text = await readFile(path, 'utf8').catch(() => null);
	const known = text === null ? null : state.parse(JSON.parse(text));
	const port = known !== null && (await isFree(known.port)) ? known.port : await freePort();
	const current = {
		port,
		apiKey: known?.apiKey ?? randomBytes(9).toString('hex'),
		secret: known?.secret ?? randomBytes(18).toString('hex'),
	};
	await mkdir(dataDir, { recursive: true, mode: 0o700 });
	await writeFile(path, `${JSON.stringify(current, null, 2)}\n`, { mode: 0o600 });
	return current;
}

/** Waits until the exchange answers and knows the demo account's key. */
export async function introduceKey(url: string, { apiKey, secret }: SimulatorState, timeoutMs = 20_000): Promise<void> {
	const deadline = Date.now() + timeoutMs;
	for (;;) {
		try {
			const response = await fetch(`${url}/_sim/keys`, {
				method: 'POST',
				headers: { 'content-type': 'application/json' },
				body: JSON.stringify({ apiKey, secret }),
				signal: AbortSignal.timeout(2_000),
			});
			if (response.ok) return;
			throw new Error(`it answered ${response.status}`);
		} catch (error) {
			if (Date.now() > deadline) {
				throw new BotboxError('INTERNAL', `the simulated exchange does not answer at ${url}: ${errorMessage(error)}`);
			}
			await new Promise((resolve) => setTimeout(resolve, 100));
		}
	}
}

export async function isFree(port: number, host = '127.0.0.1'): Promise<boolean> {
	return await new Promise((resolve) => {
		const server = createServer();
		server.once('error', () => resolve(false));
		server.listen(port, host, () => server.close(() => resolve(true)));
	});
}

async function freePort(): Promise<number> {
	return await new Promise((resolve, reject) => {
		const server = createServer();
		server.once('error', reject);
		server.listen(0, '127.0.0.1', () => {
			const address = server.address();
			server.close(() =>
				typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no free port')),
			);
		});
	});
}
