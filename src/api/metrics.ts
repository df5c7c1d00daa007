/** `/metrics` for Prometheus: the figures of the overview and of the exchanges, and those of this process. */
import { Gauge, Registry } from 'prom-client';
import { z } from 'zod';
import { measureSystem } from '../database/functions/alerts.ts';
import { listRows } from '../database/views/define.ts';
import { exchangeHealth } from '../database/views/market.ts';
import { type OverviewRow, workerStatus } from '../database/views/operation.ts';
import { processRegistry, startProcessMetrics } from '../metrics.ts';
import type { ApiContext, ApiServer } from './context.ts';
import { problemResponses } from './problems.ts';

/** Name without `botbox_`, what it says, and the figure; null is left out, since it is not known. */
const figures: readonly (readonly [string, string, (row: OverviewRow) => number | null])[] = [
	['bots_active', 'Bots with status ACTIVE', (row) => row.active_bots],
	['bots', 'Bots that are not deleted', (row) => row.bots],
	['checks_last_hour', 'Checks recorded in the last hour', (row) => row.checks_hour],
	['checks_failed_last_hour', 'Checks of the last hour that failed or timed out', (row) => row.checks_failed_hour],
	['check_lateness_p95_seconds', 'Due time to record, of the last hour', (row) => seconds(row.check_late_ms_p95)],
	['signals_last_hour', 'Signals of the last hour', (row) => row.signals_hour],
	['signals_accepted_last_day', 'Signals of the last 24 hours that were queued', (row) => row.accepted_day],
	['signals_rejected_last_day', 'Signals of the last 24 hours that were rejected', (row) => row.rejected_day],
	['trades_executed_last_day', 'Trades of the last 24 hours that were executed', (row) => row.executed_day],
	['trades_failed_last_day', 'Trades of the last 24 hours that failed', (row) => row.failed_day],
	['trade_acknowledgement_p95_seconds', 'Queued to acknowledged, of the last 24 hours', acknowledgement],
	['queue_depth', 'Trades that wait in the queue', (row) => row.queue_depth],
	['trades_executing', 'Trades that are being executed', (row) => row.executing],
	['trades_parked', 'Trades that wait for a person', (row) => row.parked],
	['positions_open', 'Open positions', (row) => row.open_positions],
	['alerts_open', 'Open alerts', (row) => row.open_alerts],
	['workers_running', 'Workers heard within 30 s', (row) => row.running_workers],
	['pauses_in_force', 'Pauses of entries in force', (row) => row.pauses_in_force],
	['data_lag_seconds', 'Age of the oldest followed market data', (row) => row.data_lag_seconds_max],
];

/** What measure_system answers: name without `botbox_`, what it says, and its labels. */
const measurements: readonly (readonly [string, string, ...string[]])[] = [
	['orders_submitted_last_day', 'Orders of the last 24 hours that were sent'],
	['orders_filled_last_day', 'Those of them that were filled, whole or in part'],
	['limiter_tokens_ratio', 'What is left in the emptiest bucket, 0 to 1', 'exchange', 'scope', 'bucket'],
	['job_backlog', 'Jobs of pg-boss that are not done', 'queue', 'state'],
	['alerts_open_by_severity', 'Open alerts', 'severity'],
	['alert_channels', 'Alert channels, alive or dead', 'state'],
];

/** Caches of workers by their name in the metrics: the figures of a heartbeat that count what was served again and what was made. */
const caches: readonly (readonly [string, string, string])[] = [
	['windows', 'windows_reused', 'windows_loaded'],
	['indicators', 'indicators_reused', 'indicators_computed'],
	['checks', 'checks_repeated', 'checks_evaluated'],
];

export function addMetrics(app: ApiServer, context: ApiContext, readOverview: () => Promise<OverviewRow>): void {
	const registry = new Registry();
	startProcessMetrics();
	const gauges = figures.map(([name, help, read]) => {
		return { gauge: new Gauge({ name: `botbox_${name}`, help, registers: [registry] }), read };
	});
	const labelNames = ['exchange'] as const;
	const make = (name: string, help: string) =>
		new Gauge({ name: `botbox_exchange_${name}`, help, labelNames, registers: [registry] });
	const breaker = make('breaker_open', '1 unless the breaker of the exchange is CLOSED');
	const used = make('limit_used_ratio', 'Share of the published limit that is used');
	const lag = make('data_lag_seconds', 'Age of the oldest followed market data of the exchange');
	const measured = new Map(
		measurements.map(([name, help, ...labels]) => [
			name,
			new Gauge({ name: `botbox_${name}`, help, labelNames: labels, registers: [registry] }),
		]),
	);
	const cacheGauge = (name: string, help: string) =>
		new Gauge({ name: `botbox_cache_${name}`, help, labelNames: ['cache'] as const, registers: [registry] });
	const hits = cacheGauge('hits', 'Served from memory by the workers that run, since each of them started');
	const misses = cacheGauge(
		'misses',
		'Loaded, computed or evaluated by the workers that run, since each of them started',
	);

	app.get(
		'/metrics',
		{
			config: { access: 'viewer' },
			schema: {
				tags: ['health'],
				summary: 'Figures for Prometheus',
				response: {
					200: { description: 'Prometheus text', content: { 'text/plain': { schema: z.string() } } },
					...problemResponses,
				},
			},
		},
		async (_request, reply) => {
			const [row, exchanges, workers, system] = await Promise.all([
				readOverview(),
				listRows(context.readPool, exchangeHealth, { limit: 500 }),
				listRows(context.readPool, workerStatus, { limit: 500, where: { status: 'RUNNING' } }),
				// Counts jobs, which a replica may not have yet.
				measureSystem(context.pool, {}),
			]);
			for (const gauge of measured.values()) gauge.reset();
			for (const { metric, labels, value } of system) {
				measured.get(metric)?.set(labels as Readonly<Record<string, string>>, value);
			}
			for (const { gauge, read } of gauges) {
				const value = read(row);
				if (value === null) gauge.remove();
				else gauge.set(value);
			}
			for (const exchange of exchanges.items) {
				breaker.set({ exchange: exchange.exchange_id }, exchange.breaker_state === 'CLOSED' ? 0 : 1);
				if (exchange.data_lag_seconds === null) lag.remove({ exchange: exchange.exchange_id });
				else lag.set({ exchange: exchange.exchange_id }, exchange.data_lag_seconds);
				used.set({ exchange: exchange.exchange_id }, exchange.used_share ?? 0);
			}
			for (const [cache, hit, miss] of caches) {
				hits.set({ cache }, sumOf(workers.items, hit));
				misses.set({ cache }, sumOf(workers.items, miss));
			}
			reply.header('content-type', registry.contentType).serializer((text: unknown) => String(text));
			return `${await registry.metrics()}\n${await processRegistry.metrics()}`;
		},
	);
}

function sumOf(workers: readonly { readonly figures: unknown }[], figure: string): number {
	return workers.reduce((sum, { figures }) => {
		const value = (figures as Readonly<Record<string, unknown>> | null)?.[figure];
		return sum + (typeof value === 'number' ? value : 0);
	}, 0);
}

function acknowledgement(row: OverviewRow): number | null {
	return seconds(row.acknowledged_ms_p95_day);
}

function seconds(ms: number | null): number | null {
	return ms === null ? null : ms / 1_000;
}
