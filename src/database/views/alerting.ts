/** Views about alerting: what may be raised, and where it is sent. */
import { defineView } from './define.ts';

export const alertRules = defineView(
	'alert_rules',
	{ order: ['code'], direction: 'asc' },
	{
		code: 'text',
		severity: 'severity',
		meaning: 'text',
		unit: 'text?',
		threshold: 'numeric?',
		default_threshold: 'numeric?',
		quiet_minutes: 'integer?',
		is_delivered: 'boolean',
		changed_at: 'timestamptz?',
		changed_by: 'text?',
		open_alerts: 'bigint',
	},
);

export const alertChannels = defineView(
	'alert_channels',
	{ order: ['channel_id'], direction: 'asc' },
	{
		channel_id: 'bigint',
		name: 'text',
		kind: 'text',
		target: 'text',
		minimum_severity: 'severity',
		escalate_after_minutes: 'integer?',
		state: 'text',
		consecutive_failures: 'integer',
		last_delivered_at: 'timestamptz?',
		last_failed_at: 'timestamptz?',
		last_error: 'text?',
		waiting: 'bigint',
		created_at: 'timestamptz',
		created_by: 'text',
	},
);
