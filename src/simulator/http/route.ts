/** What a handler gets and what describes it. */
import type { Account } from '../state/entities.ts';
import type { Venue } from '../trading/venue.ts';

export interface PublicCall {
	readonly venue: Venue;
	/** Query or body, not yet parsed. */
	readonly input: unknown;
	/** The moment of this request. */
	readonly now: number;
}

export interface PrivateCall extends PublicCall {
	readonly account: Account;
}

interface RouteBase {
	readonly method: 'GET' | 'POST';
	readonly path: string;
}

export interface PublicRoute extends RouteBase {
	readonly access: 'public';
	readonly handle: (call: PublicCall) => object;
}

export interface PrivateRoute extends RouteBase {
	readonly access: 'private';
	/** Requests a second and key; trade limits count per category. */
	readonly limit: 'trade' | 'position' | 'read';
	readonly handle: (call: PrivateCall) => object;
}

export type Route = PublicRoute | PrivateRoute;
