import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DCLinter } from 'dclint';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { environmentNames } from '../../src/config.ts';
import { readDocument } from '../docs/markdown.ts';
import { repository } from '../support/script.ts';

interface Service {
	readonly image: string;
	readonly build?: object;
	readonly command?: readonly string[];
	readonly restart?: string;
	readonly ports?: readonly string[];
	readonly container_name?: string;
	readonly environment?: Readonly<Record<string, string>>;
	readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
	readonly healthcheck?: { readonly test: readonly string[] };
	readonly volumes?: readonly string[];
	readonly privileged?: boolean;
	readonly profiles?: readonly string[];
	readonly secrets?: readonly string[];
}

interface LintResult {
	readonly messages: readonly { readonly rule: string; readonly line: number; readonly message: string }[];
}

const text = readDocument('docker-compose.yml');
const file = parse(text, { merge: true }) as {
	services: Record<'db' | 'migrate' | 'api' | 'worker' | 'prometheus' | 'grafana-role' | 'grafana', Service>;
	secrets: Readonly<Record<string, { readonly environment: string }>>;
};
const { services } = file;
/** Those that run without a profile. */
const ownServices = Object.entries(services).filter(([, { profiles }]) => profiles === undefined);

test('the file fits the Compose specification and its linter has nothing to say', async () => {
	const linter = new DCLinter({
		rules: {
			// One image, built once, for three services.
			'no-build-and-image': 0,
			// Services stand in the order in which they start, keys in the order of importance.
			'services-alphabetical-order': 0,
			'service-keys-order': 0,
			'top-level-properties-order': 0,
			// As the formatter has them.
			'require-quotes-in-ports': [2, { quoteType: 'double' }],
		},
		quiet: false,
		debug: false,
		exclude: [],
	});
	const found = linter.lintFiles([`${repository}/docker-compose.yml`], false) as readonly LintResult[];
	expect(
		found.flatMap(({ messages }) => messages.map(({ rule, line, message }) => `${line} ${rule}: ${message}`)),
	).toEqual([]);
});

test('the services are the database, the migration, the API and the worker', () => {
	expect(ownServices.map(([name]) => name)).toEqual(['db', 'migrate', 'api', 'worker']);
	expect(services.db.image).toMatch(/^timescale\/timescaledb:\d+\.\d+\.\d+-pg17$/);
	expect(services.migrate.command).toEqual(['migrate']);
	expect(services.api.command).toEqual(['api']);
	expect(services.worker.command?.[0]).toBe('worker');
});

test('each waits for what it needs, and what keeps running has a health check', () => {
	expect(services.migrate.depends_on).toEqual({ db: { condition: 'service_healthy' } });
	for (const name of ['api', 'worker'] as const) {
		expect(services[name].depends_on).toEqual({ migrate: { condition: 'service_completed_successfully' } });
	}
	expect(services.migrate.restart).toBe('no');
	for (const name of ['db', 'api', 'worker'] as const) {
		expect(services[name].healthcheck?.test[0]).toBe('CMD');
		expect(services[name].restart).toBe('unless-stopped');
	}
	expect(services.db.healthcheck?.test).toContain('pg_isready');
});

test('workers can be scaled, and nothing is published beyond this machine', () => {
	expect(services.worker).not.toHaveProperty('container_name');
	expect(services.worker).not.toHaveProperty('ports');
	expect(services.db).not.toHaveProperty('ports');
	for (const port of services.api.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
	expect(services.api.ports).toHaveLength(1);
});

test('the health checks ask where the processes listen', () => {
	expect(services.api.healthcheck?.test.join(' ')).toContain(
		`127.0.0.1:${services.api.environment?.BOTBOX_PORT}/healthz`,
	);
	const [, flag, port] = services.worker.command ?? [];
	expect(flag).toBe('--health-port');
	expect(services.worker.healthcheck?.test.join(' ')).toContain(`127.0.0.1:${port}/readyz`);
});

test('the profile observability adds Prometheus and Grafana, which reads as a role of its own', () => {
	const added = Object.entries(services).filter(([, { profiles }]) => profiles !== undefined);
	expect(added.map(([name, { profiles }]) => [name, profiles])).toEqual([
		['prometheus', ['observability']],
		['grafana-role', ['observability']],
		['grafana', ['observability']],
	]);
	for (const name of ['prometheus', 'grafana'] as const) {
		expect(services[name].restart).toBe('unless-stopped');
		expect(services[name].healthcheck?.test[0]).toBe('CMD');
		for (const port of services[name].ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
	}
	expect(services.prometheus.secrets).toEqual(Object.keys(file.secrets));
	expect(services.grafana.depends_on).toMatchObject({
		'grafana-role': { condition: 'service_completed_successfully' },
	});
	// Grafana may not start without its passwords: the role's script refuses short ones.
	expect(services['grafana-role'].command?.at(-1)).toBe('--file=/role.sql');
	expect(readDocument('deploy/grafana/role.sql')).toContain('raise exception');
	for (const { volumes } of added.map(([, service]) => service))
		for (const mount of volumes?.filter((volume) => volume.startsWith('./')) ?? []) {
			const [path = '', , access] = mount.split(':');
			expect(existsSync(join(repository, path)), path).toBe(true);
			expect(access).toBe('ro');
		}
});

test('images are pinned to a version', () => {
	for (const { image } of Object.values(services)) expect(image).toMatch(/^[a-z/]+:v?\d+\.\d+\.\d+/);
	const { version } = JSON.parse(readDocument('package.json')) as { version: string };
	expect(services.api.image).toBe(`botbox:${version}`);
});

test('secrets come from the environment, and only known variables are set', () => {
	for (const [name, { environment, profiles }] of Object.entries(services)) {
		for (const [variable, value] of Object.entries(environment ?? {})) {
			// What only a profile needs may be empty for whoever does without it.
			if (profiles !== undefined) {
				if (/PASSWORD|KEY|SECRET/.test(variable)) expect(value).toMatch(/^\$\{[A-Z_]+(:-|:\?[^}]+)\}$/);
				continue;
			}
			if (name !== 'db') expect(environmentNames).toContain(variable);
			if (/PASSWORD|KEY|SECRET/.test(variable)) expect(value).toMatch(/^\$\{[A-Z_]+:\?[^}]+\}$/);
			// A password within a URL.
			if (variable.endsWith('URL')) expect(value).toMatch(/:\/\/botbox:\$\{POSTGRES_PASSWORD:\?[^}]+\}@db:/);
		}
	}
});

test('every variable that the file asks for is in .env.example, and no other', () => {
	const asked = [
		...[...text.matchAll(/\$\{([A-Z_]+)/g)].map((match) => match[1]),
		...Object.values(file.secrets).map(({ environment }) => environment),
	];
	const offered = [...readDocument('.env.example').matchAll(/^([A-Z_]+)=/gm)].map((match) => match[1]);
	expect([...new Set(asked)].sort()).toEqual([...offered].sort());
});

test('no service is privileged or sees the engine', () => {
	for (const service of Object.values(services)) {
		expect(service).not.toHaveProperty('privileged');
		expect(JSON.stringify(service.volumes ?? [])).not.toContain('docker.sock');
	}
});
