/**
 * Alerts on their way to people: what opened, what nobody has acknowledged and what is over becomes a message to each channel.
 *
 * Reads: alerts, alert_channels. Writes: through queue_alert_deliveries, claim_alert_deliveries and record_alert_delivery, and
 * pg-boss jobs of queue deliver_alert. Idempotency key: (alert, channel, occasion). A crash before the transaction's end tells
 * nothing, and the next round does; one while sending leaves a job that expires and is tried again, so a message may come twice,
 * never not at all. A loop of its own: a channel that does not answer holds up nothing but messages.
 */
import { openSettings } from '../alerts/channels.ts';
import { sendMessage } from '../alerts/send.ts';
import {
	claimAlertDeliveries,
	findAlertChannels,
	queueAlertDeliveries,
	recordAlertDelivery,
} from '../database/functions/alerts.ts';
import type { FetchedDelivery } from '../database/jobs.ts';
import { inTransaction } from '../database/transaction.ts';
import { errorMessage } from '../errors.ts';
import { alertMessagesTotal } from '../metrics.ts';
import { again, done, type RunResult, type WorkerContext } from './context.ts';

export interface DeliveryOptions {
	readonly masterKey: string;
	readonly now?: Date | undefined;
	/** Also messages whose pause after a failure is not over: for clocks that pg-boss cannot follow. */
	readonly ignorePauses?: boolean;
	readonly timeoutMs?: number;
}

type DeliveryContext = Pick<WorkerContext, 'pool' | 'jobs' | 'log'>;
type Channel = Awaited<ReturnType<typeof findAlertChannels>>[number];

/** Sent side by side; those that do not answer cost the others one timeout. */
const batchSize = 20;

export async function deliverAlerts(context: DeliveryContext, options: DeliveryOptions): Promise<RunResult> {
	const { pool, jobs } = context;
	const { now, ignorePauses: ignoreStartAfter = false } = options;
	await inTransaction(pool, async (db) => {
		await jobs.insertDeliveries(await queueAlertDeliveries(db, { now }), db);
	});
	const fetched = await jobs.fetchDeliveries(batchSize, { ignoreStartAfter });
	if (fetched.length === 0) return done;
	const channels = new Map((await findAlertChannels(pool, {})).map((channel) => [channel.channelId, channel]));
	await Promise.all(fetched.map((job) => deliver(context, job, channels.get(job.data.channelId), options)));
	return fetched.length === batchSize ? again : done;
}

async function deliver(
	{ pool, jobs, log }: DeliveryContext,
	{ id, data, isLast }: FetchedDelivery,
	channel: Channel | undefined,
	{ masterKey, now, timeoutMs }: DeliveryOptions,
): Promise<void> {
	const deliveries = await claimAlertDeliveries(pool, { deliveryIds: data.deliveryIds, now });
	// Removed meanwhile, or told by another worker.
	if (channel === undefined || (deliveries.length === 0 && data.isTest !== true))
		return await jobs.completeDelivery(id);
	const told = { channelId: channel.channelId, deliveryIds: deliveries.map(({ deliveryId }) => deliveryId), now };
	try {
		const message = { channel: channel.name, deliveries, sentAt: now ?? new Date() };
		const settings = openSettings(channel.settings, masterKey);
		await sendMessage(settings, message, timeoutMs === undefined ? {} : { timeoutMs });
	} catch (error) {
		const reason = errorMessage(error);
		alertMessagesTotal.inc({ kind: channel.kind, result: 'failed' });
		log.warn({ channel: channel.name, error: reason, isLast }, 'alerts could not be delivered');
		await recordAlertDelivery(pool, { ...told, error: reason, isLast });
		return await jobs.failDelivery(id, reason);
	}
	alertMessagesTotal.inc({ kind: channel.kind, result: 'delivered' });
	await recordAlertDelivery(pool, told);
	await jobs.completeDelivery(id);
	log.info({ channel: channel.name, alerts: deliveries.length }, 'alerts delivered');
}
