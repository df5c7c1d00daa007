/** Wrappers of the functions about alerts: rules, channels, deliveries, and whether all of that works. */
import { rowsFunction, valueFunction } from './define.ts';

/** The rules that read checks, signals and the limiter's counts; answers how many hold. */
export const monitorChecks = valueFunction('monitor_checks', { now: 'timestamptz?' }, 'integer');

/** Null: told before, or nothing to tell. */
export const summariseDay = valueFunction('summarise_day', { now: 'timestamptz?' }, 'bigint?');

/** False: there is no such alert. Throws check_violation for a threshold that cannot be. */
export const setAlertRule = valueFunction(
	'set_alert_rule',
	{ code: 'text', threshold: 'numeric?', isDelivered: 'boolean?', actor: 'text?', now: 'timestamptz?' },
	'boolean',
);

export const createAlertChannel = valueFunction(
	'create_alert_channel',
	{
		name: 'text',
		kind: 'text',
		target: 'text',
		settings: 'bytea',
		minimumSeverity: 'severity?',
		escalateAfterMinutes: 'integer?',
		actor: 'text?',
		now: 'timestamptz?',
	},
	'bigint',
);

/** False: there is none of this name. */
export const removeAlertChannel = valueFunction(
	'remove_alert_channel',
	{ name: 'text', actor: 'text?', now: 'timestamptz?' },
	'boolean',
);

/** All, or the one of a name. */
export const findAlertChannels = rowsFunction(
	'find_alert_channels',
	{ name: 'text?' },
	{ channelId: 'bigint', name: 'text', kind: 'text', settings: 'bytea' },
);

/** Locks the rows: within a transaction. */
export const lockAlertChannels = rowsFunction(
	'lock_alert_channels',
	{},
	{ channelId: 'bigint', name: 'text', settings: 'bytea' },
);

export const replaceChannelSettings = valueFunction(
	'replace_channel_settings',
	{ channelId: 'bigint', settings: 'bytea', actor: 'text?', now: 'timestamptz?' },
	'void',
);

/** What is new, by channel: within the transaction that makes the jobs. */
export const queueAlertDeliveries = rowsFunction(
	'queue_alert_deliveries',
	{ now: 'timestamptz?' },
	{ channelId: 'bigint', deliveryIds: 'bigint[]' },
);

/** Those that are still to be sent and that nobody else is sending, the worst alert first. */
export const claimAlertDeliveries = rowsFunction(
	'claim_alert_deliveries',
	{ deliveryIds: 'bigint[]', leaseMs: 'integer?', now: 'timestamptz?' },
	{
		deliveryId: 'bigint',
		occasion: 'text',
		alertId: 'bigint',
		code: 'text',
		severity: 'severity',
		subject: 'text',
		message: 'text',
		details: 'jsonb',
		occurrences: 'integer',
		openedAt: 'timestamptz',
		acknowledgedBy: 'text?',
		resolvedAt: 'timestamptz?',
	},
);
export type ClaimedDelivery = Awaited<ReturnType<typeof claimAlertDeliveries>>[number];

/** `error` null: delivered. Answers whether the channel counts as alive; null: it is gone. */
export const recordAlertDelivery = valueFunction(
	'record_alert_delivery',
	{ channelId: 'bigint', deliveryIds: 'bigint[]', error: 'text?', isLast: 'boolean?', now: 'timestamptz?' },
	'boolean?',
);

/** For /metrics: one row per metric and labels, names without `botbox_`. */
export const measureSystem = rowsFunction(
	'measure_system',
	{ now: 'timestamptz?' },
	{ metric: 'text', labels: 'jsonb', value: 'double precision' },
);

/** Parts: ticks, checks, alerts. */
export const assessVitals = rowsFunction(
	'assess_vitals',
	{ now: 'timestamptz?' },
	{ part: 'text', isWorking: 'boolean', finding: 'text' },
);
