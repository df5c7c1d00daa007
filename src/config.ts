/** The environment, read once into one frozen, validated object; a wrong or unknown name is refused in one line. */
import { z } from 'zod';
import { UsageError } from './errors.ts';

const postgresUrl = z
	.string()
	.refine(
		(value) => /^postgres(ql)?:\/\/\S+$/.test(value) && URL.canParse(value),
		'expected postgres://user:password@host:port/database',
	);
const port = z
	.string()
	.regex(/^\d{1,5}$/, 'expected a port number')
	.transform(Number)
	.refine((value) => value <= 65_535, 'expected a port from 0 to 65535');

const wholeNumber = (least: number, most: number, unit: string) =>
	z
		.string()
		.regex(/^\d{1,6}$/, `expected whole ${unit} from ${least} to ${most}`)
		.transform(Number)
		.refine((value) => value >= least && value <= most, `expected whole ${unit} from ${least} to ${most}`);

const environment = z.object({
	DATABASE_URL: postgresUrl.optional(),
	DATABASE_DIRECT_URL: postgresUrl.optional(),
	DATABASE_READ_URL: postgresUrl.optional(),
	BOTBOX_DATA_DIR: z.string().min(1, 'expected a directory').default('.botbox'),
	BOTBOX_HOST: z
		.string()
		.regex(/^[\w.:-]+$/, 'expected a host name or address')
		.default('127.0.0.1'),
	BOTBOX_PORT: port.default(8085),
	BOTBOX_MASTER_KEY: z
		.string()
		.refine(
			(value) => Buffer.from(value, 'base64').length === 32 && /^[\w+/=-]+$/.test(value),
			'expected 32 bytes in base64',
		)
		.optional(),
	BOTBOX_LIVE_ACCOUNTS: z
		.string()
		.default('')
		.transform((value) =>
			value
				.split(',')
				.map((name) => name.trim())
				.filter((name) => name !== ''),
		),
	BOTBOX_STRATEGIES: z.string().optional(),
	BOTBOX_HEARTBEAT_URL: z
		.string()
		.refine(
			(value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol),
			'expected an address that begins with https:// or http://',
		)
		.optional(),
	BOTBOX_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
	BOTBOX_CHECK_SPREAD_SECONDS: z
		.string()
		.regex(/^\d{1,2}$/, 'expected whole seconds from 0 to 59')
		.transform(Number)
		.refine((value) => value < 60, 'expected whole seconds from 0 to 59')
		.default(5),
	BOTBOX_KEEP_MINUTES_DAYS: wholeNumber(7, 36_500, 'days').default(90),
	BOTBOX_KEEP_CHECKS_HOURS: wholeNumber(2, 87_600, 'hours').default(24),
	BOTBOX_KEEP_SIGNALS_DAYS: wholeNumber(2, 36_500, 'days').default(365),
});

export interface Config {
	/** Null: the embedded server. */
	readonly databaseUrl: string | null;
	/** Past the pooler to the server itself; null: there is no pooler between. */
	readonly databaseDirectUrl: string | null;
	readonly databaseReadUrl: string | null;
	readonly dataDir: string;
	readonly host: string;
	readonly port: number;
	/** Base64 of 32 bytes; null: read from or generated into the data directory. */
	readonly masterKey: string | null;
	readonly liveAccounts: readonly string[];
	/** The folder of the user's own strategies; null: there are none. */
	readonly strategiesDir: string | null;
	/** Asked each minute while everything works; null: nowhere. It may hold a secret. */
	readonly heartbeatUrl: string | null;
	readonly logLevel: string;
	/** Seconds over which the checks of a tick are spread when more than 500 bots are due. */
	readonly checkSpreadSeconds: number;
	/** How long one-minute candles are kept. */
	readonly keepMinutesDays: number;
	/** How long checks without a signal are kept, before only their hourly counts are. */
	readonly keepChecksHours: number;
	readonly keepSignalsDays: number;
}

export const environmentNames = Object.keys(environment.shape) as (keyof typeof environment.shape)[];

/** Throws UsageError that names the variable, what was expected and what came (never a URL or a key, they hold secrets). */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
	for (const name of Object.keys(env)) {
		const isOurs = name.startsWith('BOTBOX_') && !name.startsWith('BOTBOX_TEST_');
		if (isOurs && !(name in environment.shape)) {
			throw new UsageError(`${name}: no such setting; there are ${environmentNames.join(', ')}`);
		}
	}
	// An empty variable counts as absent, as compose files and shells leave them.
	const given = Object.fromEntries(
		environmentNames.filter((name) => env[name] !== '').map((name) => [name, env[name]]),
	);
	const parsed = environment.safeParse(given);
	if (!parsed.success) {
		const issue = parsed.error.issues[0];
		const name = String(issue?.path[0] ?? '');
		const isSecret = name.includes('URL') || name.includes('KEY');
		throw new UsageError(`${name}: ${issue?.message}${isSecret ? '' : `, got "${env[name]}"`}`);
	}
	const e = parsed.data;
	if (e.DATABASE_DIRECT_URL !== undefined && e.DATABASE_URL === undefined)
		throw new UsageError('DATABASE_DIRECT_URL: expected DATABASE_URL beside it, the address of the pooler');
	return Object.freeze({
		databaseUrl: e.DATABASE_URL ?? null,
		databaseDirectUrl: e.DATABASE_DIRECT_URL ?? null,
		databaseReadUrl: e.DATABASE_READ_URL ?? null,
		dataDir: e.BOTBOX_DATA_DIR,
		host: e.BOTBOX_HOST,
		port: e.BOTBOX_PORT,
		masterKey: e.BOTBOX_MASTER_KEY ?? null,
		liveAccounts: Object.freeze(e.BOTBOX_LIVE_ACCOUNTS),
		strategiesDir: e.BOTBOX_STRATEGIES ?? null,
		heartbeatUrl: e.BOTBOX_HEARTBEAT_URL ?? null,
		logLevel: e.BOTBOX_LOG_LEVEL,
		checkSpreadSeconds: e.BOTBOX_CHECK_SPREAD_SECONDS,
		keepMinutesDays: e.BOTBOX_KEEP_MINUTES_DAYS,
		keepChecksHours: e.BOTBOX_KEEP_CHECKS_HOURS,
		keepSignalsDays: e.BOTBOX_KEEP_SIGNALS_DAYS,
	});
}
