/** When a process is to end: on SIGINT, SIGTERM or SIGHUP, or when the parent that started it is gone. */

/** Resolves once at the first reason to end; a second signal ends the process at once. */
export async function untilToldToEnd(): Promise<string> {
	return await new Promise((resolve) => {
		let isEnding = false;
		const end = (reason: string): void => {
			if (isEnding && reason !== 'parent') process.exit(1);
			isEnding = true;
			resolve(reason);
		};
		process.on('SIGINT', () => end('SIGINT'));
		process.on('SIGTERM', () => end('SIGTERM'));
		process.on('SIGHUP', () => end('SIGHUP'));
		if (process.channel) {
			process.once('disconnect', () => end('parent'));
			// Listening to the parent must not be what keeps this process from ending.
			process.channel.unref();
		}
	});
}
