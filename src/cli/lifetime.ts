/** When a process is to end: on SIGINT, SIGTERM or SIGHUP, or when the parent that started it is gone. */

/** Ctrl-C reaches a whole process group, and parents pass it on besides: within this time it is one and the same. */
const sameSignalMs = 2_000;

/** Resolves once at the first reason to end; a second signal, later than the echo of the first, ends the process at once. */
export async function untilToldToEnd(): Promise<string> {
	return await new Promise((resolve) => {
		let toldAt: number | undefined;
		const end = (reason: string): void => {
			if (toldAt !== undefined && reason !== 'parent' && performance.now() - toldAt > sameSignalMs) process.exit(1);
			toldAt ??= performance.now();
			resolve(reason);
		};
		process.on('SIGINT', () => end('SIGINT'));
		process.on('SIGTERM', () => end('SIGTERM'));
		process.on('SIGHUP', () => end('SIGHUP'));
		// npm runs a script through a shell, which a `kill` of npm ends without a word to us: then another process adopts us.
		if (process.env.npm_lifecycle_event !== undefined) {
			const parent = process.ppid;
			setInterval(() => {
				if (process.ppid !== parent) end('parent');
			}, 1_000).unref();
		}
		if (process.channel) {
			process.once('disconnect', () => end('parent'));
			// Listening to the parent must not be what keeps this process from ending.
			process.channel.unref();
		}
	});
}

/** Ctrl-C ends the page or batch under way and then the command; what was stored stays. */
export function stopOnInterrupt(): { readonly signal: AbortSignal; end(): void } {
	const stopping = new AbortController();
	const stop = (): void => stopping.abort();
	process.once('SIGINT', stop);
	process.once('SIGTERM', stop);
	return {
		signal: stopping.signal,
		end: () => {
			process.off('SIGINT', stop);
			process.off('SIGTERM', stop);
		},
	};
}
