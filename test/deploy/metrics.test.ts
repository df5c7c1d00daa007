/** Metrics, their document, Prometheus's rules and Grafana's dashboards name the same things, and every query answers. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createPool, type Pool } from '../../src/database/pool.ts';
import { processRegistry } from '../../src/metrics.ts';
import { readDocument, sectionsOf, tableOf } from '../docs/markdown.ts';
import { makeApi, makeToken } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeTradingHour, type TradingHour } from '../support/factories/trading-hour.ts';
import { repository } from '../support/script.ts';

interface Rule {
	readonly alert: string;
	readonly expr: string;
	readonly for: string;
	readonly labels: { readonly severity: string };
	readonly annotations: { readonly summary: string; readonly runbook?: string };
}
interface Target {
	readonly datasource: { readonly uid: string };
	readonly expr?: string;
	readonly rawSql?: string;
	readonly legendFormat?: string;
}
interface Dashboard {
	readonly uid: string;
	readonly panels: readonly {
		readonly id: number;
		readonly title: string;
		readonly type: string;
		readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
		readonly targets?: readonly Target[];
	}[];
	readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
}

let database: TestDatabase;
let readonly: Pool;
let hour: TradingHour;
let apiText: string;
beforeAll(async () => {
	database = await createTestDatabase();
	hour = await makeTradingHour(database.pool);
	readonly = createPool({ url: database.url, max: 1, applicationName: 'grafana', role: 'botbox_readonly' });
	const api = await makeApi(database.pool);
	const { token } = await makeToken(database.pool, 'viewer');
	apiText = (await api.call('GET', '/metrics', { token })).body;
	await api.app.close();
});
afterAll(async () => {
	await readonly.end();
	await database.drop();
});

const folder = 'deploy/grafana/dashboards';
const dashboards = readdirSync(join(repository, folder)).map((file) => {
	return JSON.parse(readDocument(`${folder}/${file}`)) as Dashboard;
});
const { groups } = parse(readDocument('deploy/prometheus/rules.yml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const targets = dashboards.flatMap(({ panels }) => panels.flatMap((panel) => panel.targets ?? []));
const documented = tableOf(readDocument('docs/metrics.md'), 'metric', 'type', 'labels', 'of', 'meaning').map(
	([metric = '', type = '', labels = '', of = '', meaning = '']) => ({
		...{ name: metric.replaceAll('`', ''), type, of, meaning },
		labels: [...labels.matchAll(/`(\w+)`/g)].map((match) => match[1] ?? ''),
	}),
);
const labelsOf = new Map(documented.map(({ name, labels }) => [name, labels]));

/** The metrics of a text in the form of Prometheus, with their types. */
function typesIn(text: string): Map<string, string> {
	return new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
}

/** Names and labels that an expression of PromQL asks for. */
function askedBy(expr: string): { metric: string; labels: string[] }[] {
	return [...expr.matchAll(/\b((?:botbox|nodejs|process)_\w+|up)\b(?:\{([^}]*)\})?/g)].map(
		([, metric = '', matchers = '']) => ({
			metric: metric.replace(/_(bucket|count|sum)$/, ''),
			labels: [...matchers.matchAll(/(\w+)\s*=/g)].map((match) => match[1] ?? ''),
		}),
	);
}

test('docs/metrics.md has every metric of API and workers with its type and labels, and no other', async () => {
	const own = [...typesIn(apiText)].filter(([name]) => name.startsWith('botbox_'));
	expect(documented.map(({ name, type }) => [name, type]).toSorted()).toEqual(own.toSorted());
	const ofProcesses = processRegistry.getMetricsAsArray() as unknown as { name: string; labelNames?: string[] }[];
	expect(documented.filter(({ of }) => of === 'all').map(({ name, labels }) => [name, labels])).toEqual(
		ofProcesses
			.filter(({ name }) => name.startsWith('botbox_'))
			.map(({ name, labelNames = [] }): [string, string[]] => [name, labelNames])
			.toSorted(([a], [b]) => (a < b ? -1 : 1)),
	);
	for (const { meaning } of documented) expect(meaning).not.toBe('');
});

test('no metric has a label whose values grow with the installation', () => {
	const bounded = ['bucket', 'cache', 'call', 'direction', 'exchange', 'kind', 'outcome', 'pool', 'queue', 'reason'];
	const known = [...bounded, 'refusal', 'result', 'scope', 'severity', 'state'];
	for (const [, name, labels = ''] of apiText.matchAll(/^(botbox_\w+)\{([^}]*)\}/gm))
		for (const [, label] of labels.matchAll(/(\w+)="/g))
			if (label !== 'le') expect(known, `${name} has ${label}`).toContain(label);
	for (const { labels } of documented) for (const label of labels) expect(known).toContain(label);
});

test('every metric that rules and dashboards name exists, with the labels that they ask for', () => {
	const expressions = [...rules.map(({ expr }) => expr), ...targets.flatMap(({ expr }) => expr ?? [])];
	expect(expressions.length).toBeGreaterThan(50);
	const known = typesIn(apiText);
	for (const expr of expressions) {
		const asked = askedBy(expr);
		expect(asked.length, expr).toBeGreaterThan(0);
		for (const { metric, labels } of asked) {
			if (metric === 'up') continue;
			expect(known.has(metric), `${metric} in ${expr}`).toBe(true);
			for (const label of labels) expect(labelsOf.get(metric) ?? [], expr).toContain(label);
		}
	}
});

test('every figure of /metrics that counts trouble is on a dashboard or in a rule', () => {
	const expressions = [...rules.map(({ expr }) => expr), ...targets.flatMap(({ expr }) => expr ?? [])].join('\n');
	const shown = new Set(askedBy(expressions).map(({ metric }) => metric));
	// Gauges over an hour or a day: histograms and counters say the same over any time.
	const summaries = documented
		.filter(({ name }) => /_last_(hour|day)$|_p95_seconds$/.test(name))
		.map(({ name }) => name);
	const other = ['botbox_bots', 'botbox_pauses_in_force'];
	const unseen = documented.map(({ name }) => name).filter((name) => !shown.has(name));
	expect(unseen.filter((name) => !summaries.includes(name) && !other.includes(name))).toEqual([]);
});

test('rules have one name each, a severity, a summary, and a runbook that exists', () => {
	expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
	const runbook = [...sectionsOf(readDocument('docs/alerts.md'), 3).keys()].map((heading) => heading.toLowerCase());
	for (const { alert, labels, annotations, for: patience } of rules) {
		expect(alert).toMatch(/^Botbox[A-Z]/);
		expect(['critical', 'warning']).toContain(labels.severity);
		expect(annotations.summary).toMatch(/\.$/);
		expect(patience).toMatch(/^\d+m$/);
		const [file, anchor = ''] = (annotations.runbook ?? 'docs/alerts.md#no_tick').split('#');
		expect(file).toBe('docs/alerts.md');
		expect(runbook).toContain(anchor);
	}
});

test('labels that a summary or a legend names are left by its expression', () => {
	for (const { expr, annotations } of rules)
		for (const [, label = ''] of annotations.summary.matchAll(/\$labels\.(\w+)/g))
			if (label !== 'instance') {
				const grouped = /by \(([^)]*)\)/.exec(expr)?.[1] ?? (labelsOf.get(askedBy(expr)[0]?.metric ?? '') ?? []).join();
				expect(grouped, expr).toContain(label);
			}
	for (const { expr, legendFormat = '' } of targets)
		for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
			if (label !== 'instance' && expr !== undefined) {
				const grouped = /by \(([^)]*)\)/.exec(expr)?.[1] ?? (labelsOf.get(askedBy(expr)[0]?.metric ?? '') ?? []).join();
				expect(grouped, expr).toContain(label);
			}
});

test('panels stand beside each other, and read from the data sources that are provisioned', () => {
	const { datasources } = parse(readDocument('deploy/grafana/provisioning/datasources/botbox.yml')) as {
		datasources: { uid: string }[];
	};
	const uids = datasources.map(({ uid }) => uid);
	expect(dashboards.map(({ uid }) => uid).toSorted()).toEqual(['botbox-bot', 'botbox-operators']);
	for (const { panels } of dashboards) {
		expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
		for (const panel of panels) {
			for (const { datasource } of panel.targets ?? []) expect(uids).toContain(datasource.uid);
			const { x, y, w, h } = panel.gridPos;
			expect(x + w).toBeLessThanOrEqual(24);
			for (const { id, gridPos: g } of panels) {
				const overlaps = id !== panel.id && x < g.x + g.w && g.x < x + w && y < g.y + g.h && g.y < y + h;
				expect(overlaps, panel.title).toBe(false);
			}
		}
	}
});

test('every query of the dashboards answers, for a role that sees schema reporting only', async () => {
	const queries = [
		...targets.flatMap(({ rawSql }) => rawSql ?? []),
		...dashboards.flatMap(({ templating }) => templating.list.map(({ query }) => query)),
	];
	expect(queries.length).toBeGreaterThan(15);
	let rows = 0;
	for (const query of queries) {
		const text = query
			.replaceAll(/\$__timeFilter\(([^)]+)\)/g, "$1 between now() - interval '1 day' and now()")
			.replaceAll('$bot', String(hour.holder.id));
		expect(text).not.toContain('$');
		rows += (await readonly.query(text)).rowCount ?? 0;
	}
	expect(rows).toBeGreaterThan(10);
});
