/**
 * Calls `expire` after the time is over, unless stopped. A process that was busy finds its timers due before it has read
 * what arrived meanwhile, so what lies in the sockets is let through first: our own slowness is not the other side's.
 */
export function startDeadline(ms: number, expire: () => void): () => void {
	let immediate: NodeJS.Immediate | undefined;
	const timer = setTimeout(() => {
		immediate = setImmediate(expire);
	}, ms);
	return () => {
		clearTimeout(timer);
		clearImmediate(immediate);
	};
}
