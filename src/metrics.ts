/**
 * What a process counts of its own work, for Prometheus: one registry a process, every metric defined here. docs/metrics.md has
 * each with its meaning. Labels have few values by design: never a bot, an instrument, an account or an order.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export const processRegistry = new Registry();
const registers = [processRegistry];

/** From a tenth of a millisecond, which most evaluations take, to the limit of a user's strategy. */
const evaluationBuckets = [0.0001, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 10];
const latenessBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const callBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
	new Counter({ name: `botbox_${name}`, help, labelNames, registers });
const histogram = <L extends string>(name: string, help: string, buckets: number[], ...labelNames: L[]) =>
	new Histogram({ name: `botbox_${name}`, help, labelNames, buckets, registers });

export const checksTotal = counter('checks_total', 'Checks that this worker recorded', 'kind', 'outcome');
export const signalsTotal = counter('signals_total', 'Signals that its checks decided', 'outcome', 'reason');
export const checkSeconds = histogram('check_duration_seconds', 'Evaluation of one check', evaluationBuckets);
export const checkLateSeconds = histogram(
	'check_lateness_seconds',
	'Scheduled checks: due time to record',
	latenessBuckets,
);
export const checkCpuSeconds = counter(
	'check_cpu_seconds_total',
	'CPU time of this process while it evaluated and recorded checks',
);
export const signalToOrderSeconds = histogram(
	'signal_to_order_seconds',
	'Accepted signal to acknowledgement of its order by the exchange',
	[0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
	'direction',
);
export const ordersSentTotal = counter('orders_sent_total', 'Sendings of orders, by what became of them', 'outcome');
export const exchangeCallSeconds = histogram(
	'exchange_call_seconds',
	'Calls to exchanges, without the wait for the limiter',
	callBuckets,
	'exchange',
	'call',
	'result',
);
export const limiterDenialsTotal = counter(
	'limiter_denials_total',
	'Calls that limiter or breaker denied',
	'exchange',
	'refusal',
);
export const alertMessagesTotal = counter('alert_messages_total', 'Messages to alert channels', 'kind', 'result');
export const heartbeatPingsTotal = counter('heartbeat_pings_total', "Turns of the dead-man's switch", 'result');

/** The part of a connection pool that says how busy it is. */
interface ObservedPool {
	readonly totalCount: number;
	readonly idleCount: number;
	readonly waitingCount: number;
}
const pools = new Map<ObservedPool, string>();
const poolConnections = new Gauge({
	name: 'botbox_pool_connections',
	help: 'Database connections of this process, and callers that wait for one',
	labelNames: ['pool', 'state'],
	registers,
	collect() {
		this.reset();
		for (const [{ totalCount, idleCount, waitingCount }, pool] of pools) {
			this.inc({ pool, state: 'busy' }, totalCount - idleCount);
			this.inc({ pool, state: 'idle' }, idleCount);
			this.inc({ pool, state: 'waiting' }, waitingCount);
		}
	},
});

/** Shows the pool's use under a name; answers how to stop that. */
export function observePool(pool: ObservedPool, name: 'main' | 'read'): () => void {
	pools.set(pool, name);
	return () => {
		pools.delete(pool);
		if (pools.size === 0) poolConnections.reset();
	};
}

let isStarted = false;

/** CPU, memory and event loop of this process; for those that somebody scrapes, since watching costs a little. */
export function startProcessMetrics(): void {
	if (isStarted) return;
	isStarted = true;
	collectDefaultMetrics({ register: processRegistry });
}
