/** Who asks, and whether they are on this machine. */
import type { TokenRole } from '../database/functions/define.ts';

export interface Caller {
	readonly role: TokenRole;
	/** As the audit log names it. */
	readonly actor: string;
	/** Whose limits and idempotency keys these are: one token, or one login. */
	readonly account: string;
	/** What was shown at the door; null for somebody on this machine who showed nothing. */
	readonly credential: Credential | null;
}

/** By its hash: the secret itself goes no further than the door. */
export interface Credential {
	readonly kind: 'token' | 'session';
	readonly hash: Buffer;
}

export function isLoopbackAddress(host: string): boolean {
	return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
