/** Signal hashes over random lives of bots: unique over the whole table, and each queued trade has a hash of its own. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pauseEntries, resumeEntries } from '../../src/database/functions/guards.ts';
import { expireTrades, recordOrderResult, retryCloses } from '../../src/database/functions/trades.ts';
import { acknowledge, applyFill, decide, submitTrade, workerId } from '../support/factories/trading.ts';
import { after, type Bot, makeBot, makeWorld } from '../support/factories/world.ts';
import { empty, openBooks } from './books.ts';

const books = openBooks();

const step = fc.record({
	bot: fc.nat(2),
	action: fc.constantFrom(
		'LONG',
		'SHORT',
		'CLOSE',
		'CLOSE',
		'STOP',
		'FILL',
		'REFUSE',
		'PAUSE',
		'RESUME',
		'EXPIRE',
		'RETRY',
		'NEXT',
	),
});

test('after any sequence of decisions, fills, refusals, pauses and expiries no hash stands twice', async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
			await empty(books.pool);
			const world = await makeWorld(books.pool, { version: { maxLots: 2 } });
			const bots = [
				await makeBot(books.pool, world),
				await makeBot(books.pool, world),
				await makeBot(books.pool, world),
			];
			let seconds = 0;
			let candleAt = after(0);
			for (const { bot, action } of steps) {
				seconds += 61;
				if (action === 'NEXT') candleAt = after(seconds);
				else await act(action, bots[bot]!, seconds, candleAt);
			}
			const { rows } = await books.pool.query(`
				select hash as twice from signals group by hash having count(*) > 1
				union all select signal_hash from trade_queue group by signal_hash having count(*) > 1
				union all select t.id::text from trade_queue t
				where not exists (select from signals s where s.id = t.signal_id and s.hash = t.signal_hash and s.trade_id = t.id)
				union all select s.id::text from signals s
				where s.status = 'QUEUED' and not exists (select from trade_queue t where t.id = s.trade_id)`);
			expect(rows).toEqual([]);
		}),
		{ numRuns: 20 },
	);
});

async function act(action: string, bot: Bot, seconds: number, candleAt: Date): Promise<void> {
	const now = after(seconds);
	switch (action) {
		case 'LONG':
		case 'SHORT':
		case 'CLOSE':
			await decide(books.pool, bot, { direction: action, candleAt, now });
			return;
		case 'STOP':
			await decide(books.pool, bot, { direction: 'CLOSE', trigger: 'STOP_LOSS', candleAt, now });
			return;
		case 'FILL':
		case 'REFUSE':
			await execute(bot, action, now);
			return;
		case 'PAUSE':
			await pauseEntries(books.pool, { scope: 'BOT', botId: bot.id, reason: 'drill', now });
			return;
		case 'RESUME':
			await resumeEntries(books.pool, { scope: 'BOT', botId: bot.id, now });
			return;
		case 'EXPIRE':
			await expireTrades(books.pool, { now });
			return;
		default:
			await retryCloses(books.pool, { now });
	}
}

/** Sends the bot's waiting trade, if there is one that may be sent, and lets the exchange fill or refuse it. */
async function execute(bot: Bot, action: 'FILL' | 'REFUSE', now: Date): Promise<void> {
	const { rows } = await books.pool.query<{ id: string }>(
		`select t.id from trade_queue t
		where t.bot_id = $1 and t.status = 'PENDING' and (t.expires_at is null or t.expires_at > $2)
		and (t.direction = 'CLOSE' or pause_in_force(t.bot_id, t.account_id, 'sim', $2) is null)
		order by t.direction <> 'CLOSE', t.queued_at limit 1`,
		[bot.id, now],
	);
	const tradeId = rows[0]?.id;
	if (tradeId === undefined) return;
	const order = await submitTrade(books.pool, tradeId, { now });
	// What else was claimed with it goes back.
	await books.pool.query(
		`update trade_queue set status = 'PENDING', claimed_by = null, claimed_until = null where status = 'EXECUTING' and id <> $1`,
		[tradeId],
	);
	if (action === 'REFUSE') {
		await recordOrderResult(books.pool, { orderId: order.orderId, workerId, result: 'REFUSED', code: 'x', now });
		return;
	}
	await acknowledge(books.pool, order, now);
	await applyFill(books.pool, order, { at: now });
}
