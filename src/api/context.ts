/** What the routes of the API are given. */
import type {
	FastifyBaseLogger,
	FastifyInstance,
	RawReplyDefaultExpression,
	RawRequestDefaultExpression,
	RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Config } from '../config.ts';
import type { Jobs } from '../database/jobs.ts';
import type { Pool } from '../database/pool.ts';
import type { Logger } from '../logger.ts';
import type { FindElsewhere } from '../market/re-evaluate.ts';
import type { StrategyCatalogue } from '../strategies/catalogue.ts';
import type { Changes } from './events/changes.ts';
import type { ManualChecks } from './manual-checks.ts';

export interface ApiContext {
	/** For changes, for tokens, and for reads that must see a change just made. */
	readonly pool: Pool;
	/** For lists and views; may be a replica. */
	readonly readPool: Pool;
	readonly jobs: Pick<Jobs, 'requestCheck' | 'requestChannelTest'>;
	readonly manualChecks: ManualChecks;
	/** Tells when something changed, for the event streams; none are told by time alone. */
	readonly changes: Changes;
	readonly config: Config;
	/** What bots can be made of; botbox's own strategies if left out. */
	readonly catalogue?: StrategyCatalogue;
	/** Evaluates users' strategies again; without it they are not. */
	readonly elsewhere?: FindElsewhere;
	readonly log: Logger;
	readonly version: string;
	/** The built page; null serves none. */
	readonly pageDir: string | null;
	/** The clock by which checks are requested and pauses lift; the database's by default. */
	readonly clock?: () => Date;
	/** Of one token, or of one address without one; 3,000 by default. */
	readonly requestsPerMinute?: number;
}

/** Fastify with zod as the language of its schemas. */
export type ApiServer = FastifyInstance<
	RawServerDefault,
	RawRequestDefaultExpression,
	RawReplyDefaultExpression,
	FastifyBaseLogger,
	ZodTypeProvider
>;
