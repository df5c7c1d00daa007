/** What an operator is told, duties that one worker does for all, pauses, and the tidying up. */
import { expect, test } from 'vitest';
import { authenticateToken, createToken, revokeToken } from '../../src/database/functions/administration.ts';
import { recordTick } from '../../src/database/functions/checks.ts';
import {
	acquireCall,
	claimDuties,
	monitorHealth,
	monitorLedger,
	pauseEntries,
	raiseAlert,
	recordHeartbeat,
	resolveAlert,
	resumeEntries,
} from '../../src/database/functions/guards.ts';
import { claimTrades, recordOrderResult } from '../../src/database/functions/trades.ts';
import { queueTrade, submitTrade, workerId } from '../support/factories/trading.ts';
import { after, makeBot, makeFeedFresh, makeInstrument, makeWorld, start } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

const open = async (code: string) =>
	(await books.pool.query('select subject from alerts where code = $1 and resolved_at is null', [code])).rowCount;
const look = (seconds: number) => monitorHealth(books.pool, { now: after(seconds) });

test('NO_TICK opens after two minutes without one and resolves with the next', async () => {
	await look(0);
	expect(await open('NO_TICK')).toBe(0);
	await recordTick(books.pool, { workerId, dueBots: 0, durationMs: 1, now: start });
	expect(await look(120)).toBe(0);
	expect(await look(121)).toBe(1);
	expect(await look(122)).toBe(1);
	expect(
		await one(books.pool, `select occurrences, opened_at, last_seen_at from alerts where code = 'NO_TICK'`),
	).toEqual({
		occurrences: 2,
		opened_at: after(121),
		last_seen_at: after(122),
	});
	await recordTick(books.pool, { workerId, dueBots: 0, durationMs: 1, now: after(180) });
	expect(await look(181)).toBe(0);
	expect(await open('NO_TICK')).toBe(0);
});

test('DATA_LAG of followed instruments, WORKER_LOST of silent workers', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	await makeFeedFresh(books.pool, bot.instrumentId, start);
	const beat = { workerId: 'w', host: 'h', processId: 1, roles: ['tick'], version: '1', startedAt: start };
	await recordHeartbeat(books.pool, { ...beat, now: after(290) });
	expect(await look(300)).toBe(0);
	expect(await look(321)).toBe(2);
	expect([await open('DATA_LAG'), await open('WORKER_LOST')]).toEqual([1, 1]);
	await makeFeedFresh(books.pool, bot.instrumentId, after(320));
	await recordHeartbeat(books.pool, { ...beat, isStopping: true, now: after(330) });
	expect(await look(331)).toBe(0);
	expect([await open('DATA_LAG'), await open('WORKER_LOST')]).toEqual([0, 0]);
});

test('DATA_LAG of a market that is a second leg only', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	const second = await makeInstrument(books.pool);
	await books.pool.query('insert into bot_legs (bot_id, leg, account_id, instrument_id) values ($1, 2, $2, $3)', [
		bot.id,
		bot.accountId,
		second.id,
	]);
	const lagging = async () =>
		(await books.pool.query(`select subject from alerts where code = 'DATA_LAG' and resolved_at is null`)).rows;
	await makeFeedFresh(books.pool, bot.instrumentId, after(300));
	await makeFeedFresh(books.pool, second.id, start);
	await look(300);
	expect(await lagging()).toEqual([]);
	await look(301);
	expect(await lagging()).toEqual([{ subject: `sim ${second.symbol}` }]);
	const { rows } = await books.pool.query('select is_followed from reporting.data_freshness');
	expect(rows).toEqual([{ is_followed: true }, { is_followed: true }]);
	// A market that nobody follows may be as old as it likes.
	await books.pool.query(`update bots set status = 'PAUSED', next_check_at = null`);
	await look(302);
	expect(await lagging()).toEqual([]);
});

test('QUEUE_DEPTH beyond 100, TRADE_FAILURES beyond a tenth of the last hour', async () => {
	const world = await makeWorld(books.pool, {
		account: { capital: 1_000_000, maxPositions: 1_000, maxCorrelatedPositions: 1_000 },
	});
	const trades = [];
	for (let index = 0; index < 101; index++)
		trades.push(await queueTrade(books.pool, await makeBot(books.pool, world, { notional: 100 })));
	await look(0);
	expect(await open('QUEUE_DEPTH')).toBe(1);
	for (const tradeId of trades.slice(0, 2)) {
		const order = await submitTrade(books.pool, tradeId, { now: after(1) });
		await recordOrderResult(books.pool, { orderId: order.orderId, workerId, result: 'REFUSED', now: after(1) });
		await books.pool.query(
			`update trade_queue set status = 'PENDING', claimed_by = null, claimed_until = null where status = 'EXECUTING'`,
		);
	}
	await look(2);
	expect([await open('QUEUE_DEPTH'), await open('TRADE_FAILURES')]).toEqual([0, 1]);
	await look(3_602);
	expect(await open('TRADE_FAILURES')).toBe(0);
});

test('LEDGER_BROKEN when the entries do not sum to what is booked', async () => {
	const world = await makeWorld(books.pool);
	await books.pool.query('update account_balances set booked = booked + 1 where account_id = $1', [world.accountId]);
	expect(await monitorLedger(books.pool, { now: after(0) })).toBe(false);
	expect(await open('LEDGER_BROKEN')).toBe(1);
	await books.pool.query('update account_balances set booked = booked - 1 where account_id = $1', [world.accountId]);
	expect(await monitorLedger(books.pool, { now: after(1) })).toBe(true);
	expect(await open('LEDGER_BROKEN')).toBe(0);
});

test('an alert opens once per code and subject from however many connections, and anew after it was resolved', async () => {
	const alert = { code: 'TEST', severity: 'WARNING', subject: 'x', message: 'again', now: start } as const;
	const ids = await Promise.all(Array.from({ length: 8 }, () => raiseAlert(books.pool, alert)));
	expect(new Set(ids).size).toBe(1);
	expect(await one(books.pool, 'select occurrences from alerts')).toEqual({ occurrences: 8 });
	expect(await resolveAlert(books.pool, { code: 'TEST', subject: 'x', now: after(1) })).toBe(true);
	expect(await resolveAlert(books.pool, { code: 'TEST', subject: 'x', now: after(1) })).toBe(false);
	expect(await raiseAlert(books.pool, alert)).not.toBe(ids[0]);
});

test('a duty has one winner per interval, whoever asks', async () => {
	const claim = (worker: string, seconds: number) =>
		claimDuties(books.pool, {
			duties: [
				{ name: 'a', interval_ms: 5_000 },
				{ name: 'b', interval_ms: 60_000 },
			],
			workerId: worker,
			now: after(seconds),
		});
	for (const [seconds, due] of [
		[0, ['a', 'b']],
		[4.9, []],
		[5, ['a']],
		[60, ['a', 'b']],
	] as const) {
		const claims = await Promise.all(['w1', 'w2', 'w3', 'w4'].map((worker) => claim(worker, seconds)));
		expect(
			claims
				.flat()
				.map(({ claimDuties: name }) => name)
				.toSorted(),
		).toEqual([...due]);
	}
});

test('a pause lifts itself at its time and can be lifted before, each once', async () => {
	const pause = () =>
		pauseEntries(books.pool, {
			scope: 'EXCHANGE',
			exchangeId: 'sim',
			reason: 'news',
			liftsAt: after(60),
			actor: 'me',
			now: start,
		});
	const resume = (seconds: number) =>
		resumeEntries(books.pool, { scope: 'EXCHANGE', exchangeId: 'sim', actor: 'me', now: after(seconds) });
	await pause();
	await pause();
	expect(await resumeEntries(books.pool, { scope: 'EXCHANGE', exchangeId: 'bybit', now: start })).toBe(0);
	expect(await resume(59)).toBe(2);
	expect(await resume(59)).toBe(0);
	await pause();
	expect(await resume(60)).toBe(0);
	expect((await books.pool.query('select action from audit_log order by id')).rows.map(({ action }) => action)).toEqual(
		['pause', 'pause', 'resume', 'pause'],
	);
});

test('a token is valid until it expires or is revoked', async () => {
	const [tokenHash, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
	const tokenId = await createToken(books.pool, {
		name: 'ci',
		role: 'viewer',
		tokenHash,
		expiresAt: after(60),
		now: start,
	});
	const find = (hash: Buffer, seconds: number) =>
		authenticateToken(books.pool, { tokenHash: hash, now: after(seconds) });
	expect(await find(tokenHash, 59)).toEqual([{ tokenId, name: 'ci', role: 'viewer' }]);
	expect(await find(other, 1)).toEqual([]);
	expect(await find(tokenHash, 60)).toEqual([]);
	expect(await revokeToken(books.pool, { tokenId, now: after(1) })).toBe(true);
	expect(await revokeToken(books.pool, { tokenId, now: after(1) })).toBe(false);
	expect(await find(tokenHash, 2)).toEqual([]);
});

test('LIMITER_DENIALS beyond a fifth of the requests, LIMIT_HIGH_USE by our own grants; both end when nobody asks', async () => {
	const ask = (seconds: number, patienceMs = 0) =>
		acquireCall(books.pool, { exchangeId: 'sim', workerId, isUrgent: true, patienceMs, now: after(seconds) });
	for (let call = 0; call < 80; call += 1) await ask(0);
	expect(await look(1)).toBe(0);
	for (let call = 0; call < 96; call += 1) await ask(4);
	for (let call = 0; call < 16; call += 1) await ask(4);
	// 16 of 192 were denied, and 176 of 600 used.
	expect(await look(5)).toBe(0);
	// The next token comes within 14 ms: who waits for it is not denied, however many there are.
	for (let call = 0; call < 200; call += 1) await ask(4, 14);
	expect(await look(5.5)).toBe(0);
	for (let call = 0; call < 40; call += 1) await ask(4, 13);
	expect(await look(6)).toBe(1);
	expect([await open('LIMITER_DENIALS'), await open('LIMIT_HIGH_USE')]).toEqual([1, 0]);
	for (let second = 20; second < 25; second += 1) for (let call = 0; call < 80; call += 1) await ask(second);
	await look(30);
	expect(await open('LIMIT_HIGH_USE')).toBe(1);
	await look(200);
	expect([await open('LIMITER_DENIALS'), await open('LIMIT_HIGH_USE')]).toEqual([0, 0]);
});

test('queued entries of a paused scope wait, and are cancelled only where that is asked for', async () => {
	const world = await makeWorld(books.pool);
	const sent = await submitTrade(books.pool, await queueTrade(books.pool, await makeBot(books.pool, world)));
	const waiting = await queueTrade(books.pool, await makeBot(books.pool, world));
	const elsewhere = await queueTrade(books.pool, await makeBot(books.pool, await makeWorld(books.pool)));
	const statuses = async () => {
		const { rows } = await books.pool.query('select id, status, reason_code from trade_queue');
		return [waiting, sent.tradeId, elsewhere].map((id) => rows.find((row) => row.id === id));
	};
	const pause = { scope: 'ACCOUNT', accountId: world.accountId, reason: 'news', now: after(2) } as const;
	await pauseEntries(books.pool, pause);
	expect(await statuses()).toMatchObject([{ status: 'PENDING' }, { status: 'EXECUTING' }, { status: 'PENDING' }]);
	expect((await claimTrades(books.pool, { workerId, now: after(3) })).map(({ tradeId }) => tradeId)).toEqual([
		elsewhere,
	]);
	await pauseEntries(books.pool, { ...pause, cancelQueued: true, now: after(4) });
	expect(await statuses()).toMatchObject([
		{ status: 'CANCELLED', reason_code: 'CANCELLED_BY_PERSON' },
		{ status: 'EXECUTING' },
		{ status: 'EXECUTING' },
	]);
	const noted = await books.pool.query(
		`select after ->> 'cancelled_entries' as count from audit_log where action = 'pause' order by id`,
	);
	expect(noted.rows.map(({ count }) => count)).toEqual(['0', '1']);
});
