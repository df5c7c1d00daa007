import { expect, test } from 'vitest';
import { environmentNames, readConfig } from '../../src/config.ts';
import { readDocument, sectionsOf, tableOf } from './markdown.ts';

const columns = ['name', 'default', 'meaning'] as const;
const documented = tableOf(readDocument('docs/configuration.md'), ...columns);

test('docs/configuration.md names every variable, and no other', () => {
	expect(documented.map(([name]) => name)).toEqual(environmentNames.map((name) => `\`${name}\``));
});

test('the README has the same table', () => {
	expect(tableOf(readDocument('README.md'), ...columns)).toEqual(documented);
});

test('the defaults are those of the code', () => {
	const config = readConfig({});
	const actual: Readonly<Record<(typeof environmentNames)[number], string>> = {
		DATABASE_URL: config.databaseUrl ?? 'none: embedded server',
		DATABASE_DIRECT_URL: config.databaseDirectUrl ?? '`DATABASE_URL`',
		DATABASE_READ_URL: config.databaseReadUrl ?? '`DATABASE_URL`',
		BOTBOX_DATA_DIR: `\`${config.dataDir}\``,
		BOTBOX_HOST: `\`${config.host}\``,
		BOTBOX_PORT: `\`${config.port}\``,
		BOTBOX_MASTER_KEY: config.masterKey ?? 'generated into the data directory',
		BOTBOX_LIVE_ACCOUNTS: config.liveAccounts.join(',') || 'none',
		BOTBOX_STRATEGIES: config.strategiesDir ?? 'none',
		BOTBOX_HEARTBEAT_URL: config.heartbeatUrl ?? 'none',
		BOTBOX_LOG_LEVEL: `\`${config.logLevel}\``,
		BOTBOX_CHECK_SPREAD_SECONDS: `\`${config.checkSpreadSeconds}\``,
		BOTBOX_KEEP_MINUTES_DAYS: `\`${config.keepMinutesDays}\``,
		BOTBOX_KEEP_CHECKS_HOURS: `\`${config.keepChecksHours}\``,
		BOTBOX_KEEP_SIGNALS_DAYS: `\`${config.keepSignalsDays}\``,
	};
	expect(Object.fromEntries(documented.map(([name, value]) => [name?.replaceAll('`', ''), value]))).toEqual(actual);
});

test('every variable has a section that says more', () => {
	const headings = [...sectionsOf(readDocument('docs/configuration.md'), 2).keys()].join(' ');
	for (const name of environmentNames) expect(headings).toContain(`\`${name}\``);
});

test('.env.example names known variables only, and holds no secret', () => {
	const lines = readDocument('.env.example')
		.split('\n')
		.filter((line) => line !== '' && !line.startsWith('#'));
	const ofCompose = ['POSTGRES_PASSWORD', 'BOTBOX_PUBLISHED_PORT'];
	const ofObservability = ['PROMETHEUS_TOKEN', 'GRAFANA_ADMIN_PASSWORD', 'GRAFANA_DATABASE_PASSWORD'];
	const known = [...environmentNames, ...ofCompose, ...ofObservability];
	for (const line of lines) {
		const [name = '', value = ''] = line.split('=');
		expect(known).toContain(name);
		if (/PASSWORD|KEY|TOKEN/.test(name)) expect(value).toBe('');
	}
});
