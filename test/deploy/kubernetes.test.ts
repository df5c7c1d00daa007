/** The Kubernetes base against the API's own schemas, and against what botbox has: images, settings, paths, metrics. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import { Job } from 'kubernetes-models/batch/v1/Job';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Namespace } from 'kubernetes-models/v1/Namespace';
import { Service } from 'kubernetes-models/v1/Service';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { environmentNames } from '../../src/config.ts';
import { readDocument } from '../docs/markdown.ts';
import { repository } from '../support/script.ts';

const folder = join(repository, 'deploy', 'kubernetes');
const kustomization = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as {
	readonly resources: readonly string[];
	readonly images: readonly { readonly name: string; readonly newTag: string }[];
};

interface Container {
	readonly name: string;
	readonly image: string;
	readonly args: readonly string[];
	readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
	readonly envFrom: readonly { readonly configMapRef?: { name: string }; readonly secretRef?: { name: string } }[];
	readonly securityContext: object;
	readonly resources: { readonly requests: object; readonly limits: { readonly memory: string } };
	readonly livenessProbe?: Probe;
	readonly readinessProbe?: Probe;
	readonly startupProbe?: Probe;
}
interface Probe {
	readonly httpGet: { readonly path: string; readonly port: string };
}
interface Manifest {
	readonly kind: string;
	readonly metadata: { readonly name: string };
	readonly data?: Readonly<Record<string, string>>;
	readonly spec?: {
		readonly replicas?: number;
		readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
		readonly minAvailable?: number;
		readonly minReplicas?: number;
		readonly maxReplicas?: number;
		readonly scaleTargetRef?: { readonly name: string };
		readonly metrics?: readonly {
			readonly external: {
				readonly metric: { readonly name: string; readonly selector: { readonly matchLabels: object } };
			};
		}[];
		readonly template?: {
			readonly metadata: { readonly labels: object; readonly annotations?: Readonly<Record<string, string>> };
			readonly spec: {
				readonly containers: readonly Container[];
				readonly terminationGracePeriodSeconds?: number;
				readonly securityContext: { readonly runAsNonRoot: boolean };
			};
		};
	};
}

const manifests = kustomization.resources.flatMap((file) =>
	parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => document.toJS() as Manifest),
);
const find = (kind: string, name: string): Manifest => {
	const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
	if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
	return found;
};
const podsOf = manifests.filter(({ spec }) => spec?.template !== undefined);
const containers = podsOf.flatMap(({ spec }) => spec!.template!.spec.containers);

const schemas = {
	ConfigMap,
	Deployment,
	HorizontalPodAutoscaler,
	Job,
	Namespace,
	NetworkPolicy,
	PodDisruptionBudget,
	Service,
};

test.each(manifests.map((manifest) => [manifest.kind, manifest.metadata.name, manifest] as const))(
	'%s %s fits the schema of its kind',
	(kind, _, manifest) => {
		expect(Object.keys(schemas)).toContain(kind);
		new schemas[kind as keyof typeof schemas](manifest as never).validate();
	},
);

test('the schemas refuse what is wrong', () => {
	const wrong = structuredClone(find('Deployment', 'botbox-worker')) as { spec: { template: { spec: object } } };
	Object.assign(wrong.spec.template.spec, { terminationGracePeriodSeconds: 'soon' });
	expect(() => new Deployment(wrong as never).validate()).toThrow();
});

test('every file is a resource, and there are API, worker, migration, autoscaler, budgets and policies', () => {
	expect(readdirSync(folder).sort()).toEqual([...kustomization.resources, 'kustomization.yaml'].sort());
	expect(manifests.map(({ kind, metadata }) => `${kind} ${metadata.name.replace(/-\d.*$/, '')}`).sort()).toEqual([
		'ConfigMap botbox',
		'Deployment botbox-api',
		'Deployment botbox-worker',
		'HorizontalPodAutoscaler botbox-worker',
		'Job botbox-migrate',
		'Namespace botbox',
		'NetworkPolicy botbox',
		'NetworkPolicy botbox-api',
		'NetworkPolicy botbox-worker',
		'PodDisruptionBudget botbox-api',
		'PodDisruptionBudget botbox-worker',
		'Service botbox-api',
	]);
});

test('the image is this version, and so is the name of the migration', () => {
	const { version } = JSON.parse(readDocument('package.json')) as { version: string };
	expect(kustomization.images).toEqual([{ name: 'botbox', newTag: version }]);
	for (const { image } of containers) expect(image).toBe('botbox');
	find('Job', `botbox-migrate-${version.replaceAll('.', '-')}`);
});

test('selectors choose the pods that they mean', () => {
	for (const { kind, spec } of podsOf) {
		if (kind === 'Deployment') expect(spec!.template!.metadata.labels).toMatchObject(spec!.selector!.matchLabels!);
	}
	for (const kind of ['PodDisruptionBudget', 'Service']) {
		for (const { metadata, spec } of manifests.filter((manifest) => manifest.kind === kind)) {
			const labels = spec!.selector!.matchLabels ?? spec!.selector!;
			expect(find('Deployment', metadata.name).spec!.template!.metadata.labels).toMatchObject(labels);
		}
	}
});

test('settings are known, and no secret stands in a file', () => {
	const { data } = find('ConfigMap', 'botbox');
	for (const name of Object.keys(data!)) expect(environmentNames).toContain(name);
	expect(manifests.some(({ kind }) => kind === 'Secret')).toBe(false);
	for (const { envFrom } of containers) {
		expect(envFrom).toEqual([{ configMapRef: { name: 'botbox' } }, { secretRef: { name: 'botbox' } }]);
	}
});

test('containers may do nothing beyond their work, and say what they need', () => {
	for (const { spec } of podsOf) expect(spec!.template!.spec.securityContext.runAsNonRoot).toBe(true);
	for (const { securityContext, resources } of containers) {
		expect(securityContext).toEqual({
			allowPrivilegeEscalation: false,
			readOnlyRootFilesystem: true,
			capabilities: { drop: ['ALL'] },
		});
		expect(resources).toMatchObject({ requests: { cpu: expect.any(String) }, limits: { memory: expect.any(String) } });
	}
});

test('probes ask where the processes answer, and ending takes as long as a worker may', () => {
	for (const name of ['botbox-api', 'botbox-worker']) {
		const { spec } = find('Deployment', name);
		const [container] = spec!.template!.spec.containers;
		const { startupProbe, livenessProbe, readinessProbe, ports, args } = container!;
		const [port] = ports!;
		for (const probe of [startupProbe, livenessProbe, readinessProbe]) expect(probe!.httpGet.port).toBe(port!.name);
		expect([livenessProbe!.httpGet.path, readinessProbe!.httpGet.path]).toEqual(['/healthz', '/readyz']);
		const listens = args[1] === '--health-port' ? args[2] : find('ConfigMap', 'botbox').data!.BOTBOX_PORT;
		expect(String(port!.containerPort)).toBe(listens);
		expect(spec!.template!.metadata.annotations!['prometheus.io/port']).toBe(listens);
		// Stopping takes up to 20 s (src/workers/main.ts, src/api/server.ts).
		expect(spec!.template!.spec.terminationGracePeriodSeconds).toBeGreaterThan(20);
	}
});

test('workers are scaled by the backlog of checks, which the metrics have, and one always stays', () => {
	const { spec } = find('HorizontalPodAutoscaler', 'botbox-worker');
	expect(spec!.scaleTargetRef!.name).toBe('botbox-worker');
	expect(find('Deployment', 'botbox-worker').spec).not.toHaveProperty('replicas');
	const [metric] = spec!.metrics!;
	expect(readDocument('docs/metrics.md')).toContain(`\`${metric!.external.metric.name}\``);
	expect(metric!.external.metric.selector.matchLabels).toEqual({ queue: 'check', state: 'created' });
	expect(spec!.minReplicas).toBeGreaterThan(find('PodDisruptionBudget', 'botbox-worker').spec!.minAvailable!);
});
