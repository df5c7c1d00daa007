/** Whether what needs a session gets one, and whether connections through a pooler have the settings that they need. */
import { createPool, type Pool } from '../database/pool.ts';
import {
	findPooling,
	hearsNotifications,
	missingSettings,
	type Pooling,
	readSettings,
	settingStatements,
} from '../database/pooler.ts';
import { type Finding, judge } from './findings.ts';
import { withoutPassword } from './status.ts';

const says: Record<Pooling, string> = {
	none: 'straight to the server',
	session: 'through a pooler in session mode',
	transaction: 'through a pooler in transaction mode',
};

/** `url` is for what needs a session, `pooledUrl` for pools; the same unless DATABASE_DIRECT_URL is set. */
export async function examineSessions(
	pool: Pool,
	{ url, pooledUrl, isPooled }: { url: string; pooledUrl: string; isPooled: boolean },
	findings: Finding[],
): Promise<void> {
	const pooling = await findPooling(url);
	const isHeard = pooling !== 'transaction' && (await hearsNotifications(pool, url));
	judge(
		findings,
		'sessions',
		isHeard,
		`LISTEN and migrate go ${says[pooling]}${isHeard ? ', and notifications arrive' : ', where notifications do not arrive and locks do not hold'}`,
		isPooled
			? "set DATABASE_DIRECT_URL to the server's own address, past the pooler"
			: 'leave DATABASE_URL with the pooler, and set DATABASE_DIRECT_URL to the server\'s own address: docs/operations.md, "Behind PgBouncer"',
	);
	const through = isPooled ? createPool({ url: pooledUrl, max: 1, applicationName: 'botbox doctor', isPooled }) : pool;
	try {
		const settings = await readSettings(through);
		const missing = missingSettings(settings);
		if (!isPooled) {
			// Of this command's own connection: those of workers are made the same way.
			judge(findings, 'settings', missing.length === 0, missing.join(', ') || 'arrive', settingStatements(settings));
			return;
		}
		const wrong = [...missing, ...(settings.mayChangeSchema ? [`${settings.user} may change the schema`] : [])];
		const mend =
			missing.length > 0
				? settingStatements(settings)
				: `let the pooler log in as a user that is a member of botbox_app and of nothing else: docs/operations.md, "Behind PgBouncer"`;
		const mode = says[await findPooling(pooledUrl)];
		const fine = `${withoutPassword(pooledUrl)}: pools go ${mode}, as ${settings.user}`;
		judge(findings, 'pooler', wrong.length === 0, wrong.length === 0 ? fine : wrong.join(', '), mend);
	} finally {
		if (through !== pool) await through.end();
	}
}
