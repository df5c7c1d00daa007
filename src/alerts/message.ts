/** Alerts in words: one message may tell of several, so that a bad minute is one message and not two hundred. */
import type { ClaimedDelivery } from '../database/functions/alerts.ts';

export interface AlertMessage {
	/** The name of the channel that it is for. */
	readonly channel: string;
	/** Empty: a test of the channel. */
	readonly deliveries: readonly ClaimedDelivery[];
	readonly sentAt: Date;
}

/** More than so many are counted, not told. */
const mostTold = 10;

/** One line, such as `[CRITICAL] BREAKER_OPEN bybit`. */
export function titleOf({ channel, deliveries }: AlertMessage): string {
	const [first] = deliveries;
	if (first === undefined) return `[TEST] botbox alerts reach ${channel}`;
	const title = `[${labelOf(first)}] ${first.code} ${first.subject}`;
	return deliveries.length === 1 ? title : `${title} and ${deliveries.length - 1} more`;
}

/** Plain text of several lines, without the title. */
export function textOf({ deliveries }: AlertMessage): string {
	if (deliveries.length === 0) return 'This is a test: nothing has happened, and alerts arrive here.';
	const told = deliveries.slice(0, mostTold).map(describe);
	const rest = deliveries.length - told.length;
	return [...told, ...(rest > 0 ? [`and ${rest} more: botbox alerts list`] : [])].join('\n\n');
}

function describe(delivery: ClaimedDelivery): string {
	const { code, subject, message, alertId, openedAt, resolvedAt, acknowledgedBy, occurrences } = delivery;
	const times = [`opened ${timeOf(openedAt)}`];
	if (occurrences > 1) times.push(`seen ${occurrences} times`);
	if (resolvedAt !== null) times.push(`resolved ${timeOf(resolvedAt)}`);
	const next =
		resolvedAt !== null || delivery.severity === 'INFO'
			? ''
			: acknowledgedBy === null
				? `\nbotbox alerts ack ${alertId}`
				: `\nacknowledged by ${acknowledgedBy}`;
	return `[${labelOf(delivery)}] ${code} ${subject}\n${message}\n${times.join(', ')}${next}`;
}

function labelOf({ occasion, severity }: ClaimedDelivery): string {
	if (occasion === 'RESOLVED') return 'RESOLVED';
	return occasion === 'ESCALATED' ? `${severity}, not acknowledged` : severity;
}

function timeOf(at: Date): string {
	return `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** The body of a webhook: everything, for programs. */
export function payloadOf({ channel, deliveries, sentAt }: AlertMessage): object {
	return {
		version: 1,
		channel,
		sent_at: sentAt.toISOString(),
		is_test: deliveries.length === 0,
		events: deliveries.map((delivery) => ({
			event_id: delivery.deliveryId,
			occasion: delivery.occasion,
			alert: {
				alert_id: delivery.alertId,
				code: delivery.code,
				severity: delivery.severity,
				subject: delivery.subject,
				message: delivery.message,
				details: delivery.details,
				occurrences: delivery.occurrences,
				opened_at: delivery.openedAt.toISOString(),
				acknowledged_by: delivery.acknowledgedBy,
				resolved_at: delivery.resolvedAt?.toISOString() ?? null,
			},
		})),
	};
}
