/**
 * Network namespaces: processes that share nothing with each other or with the server but a wire, as containers do. Linux only, as root,
 * with iproute2.
 */
import { execFileSync } from 'node:child_process';

export interface Namespace {
	/** What goes before a command that is to run in it. */
	readonly prefix: readonly string[];
	/** The server's address as seen from in there. */
	urlOf(url: string): string;
	remove(): void;
}

const subnet = '10.213';

/** Addresses that the server has to let in. */
export const namespaceNetwork = `${subnet}.0.0/16`;

/** Makes the n-th namespace of this process, n from 1 to 250, with a wire to the machine's own. */
export function makeNamespace(n: number): Namespace {
	const name = `botbox-${process.pid}-${n}`;
	// At most 15 letters.
	const [outer, inner] = [`bb${process.pid}o${n}`, `bb${process.pid}i${n}`];
	const [host, guest] = [`${subnet}.${n}.1`, `${subnet}.${n}.2`];
	const remove = (): void => {
		process.off('exit', remove);
		// The wire goes with the namespace that one end of it lies in.
		ip('netns', 'delete', name);
	};
	ip('netns', 'add', name);
	process.once('exit', remove);
	ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', name);
	ip('address', 'add', `${host}/30`, 'dev', outer);
	ip('link', 'set', outer, 'up');
	ip('-n', name, 'address', 'add', `${guest}/30`, 'dev', inner);
	ip('-n', name, 'link', 'set', inner, 'up');
	return {
		prefix: ['ip', 'netns', 'exec', name],
		urlOf: (url) => {
			const seen = new URL(url);
			seen.hostname = host;
			return seen.href;
		},
		remove,
	};
}

function ip(...args: string[]): void {
	execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
