/** The limiter and the breaker, on a clock of their own. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
	acquireCall,
	recordExchangeResult,
	recordLimitReport,
	setRateLimit,
} from '../../src/database/functions/guards.ts';
import { after } from '../support/factories/world.ts';
import { empty, one, openBooks } from './books.ts';

const books = openBooks();
const worker = 'worker-1';
const acquire = async (exchangeId: string, seconds: number, more: Partial<Parameters<typeof acquireCall>[1]> = {}) =>
	(await acquireCall(books.pool, { exchangeId, workerId: worker, now: after(seconds), ...more }))[0]!;
const bucket = (scope: string) => one(books.pool, 'select * from rate_limits where scope = $1', [scope]);
const breaker = () => one(books.pool, `select * from circuit_breakers where exchange_id = 'sim'`);
const report = (more: Partial<Parameters<typeof recordLimitReport>[1]>) =>
	recordLimitReport(books.pool, { exchangeId: 'sim', scope: 'IP', scopeKey: 'default', bucket: 'all', ...more });

test('granted until the bucket is empty, then told when to ask again, then granted again', async () => {
	for (let call = 0; call < 96; call++)
		expect(await acquire('sim', 0, { isUrgent: true })).toMatchObject({ isGranted: true });
	const refused = await acquire('sim', 0, { isUrgent: true });
	expect(refused).toMatchObject({ isGranted: false, refusal: 'RATE_LIMIT' });
	// 73.142857 come back per second: 384 in 5 s and a quarter.
	expect(refused.retryAfterMs).toBe(14);
	expect(await acquire('sim', 0.013, { isUrgent: true })).toMatchObject({ isGranted: false });
	expect(await acquire('sim', 0.014, { isUrgent: true })).toMatchObject({ isGranted: true });
	expect(await bucket('IP')).toMatchObject({ granted_count: 97, denied_count: 2 });
});

test('never more than 80% of the published limit in any window, whatever the calls and however many ask at once', async () => {
	const calls = fc.array(
		fc.record({
			gapMs: fc.integer({ min: 0, max: 900 }),
			weight: fc.integer({ min: 1, max: 90 }),
			callers: fc.integer({ min: 1, max: 6 }),
			calls: fc.integer({ min: 1, max: 5 }),
			isUrgent: fc.boolean(),
		}),
		{
			minLength: 5,
			maxLength: 25,
		},
	);
	await fc.assert(
		fc.asyncProperty(calls, async (given) => {
			await empty(books.pool);
			const granted: { at: number; weight: number }[] = [];
			let at = 0;
			for (const { gapMs, weight, callers, calls, isUrgent } of given) {
				at += gapMs;
				const asking = Array.from({ length: callers }, () => acquire('sim', at / 1_000, { weight, calls, isUrgent }));
				for (const { grantedCalls } of await Promise.all(asking)) granted.push({ at, weight: weight * grantedCalls });
			}
			for (const { at: from } of granted) {
				const spent = granted.filter((call) => call.at >= from && call.at < from + 5_250);
				expect(spent.reduce((sum, call) => sum + call.weight, 0)).toBeLessThanOrEqual(480);
			}
		}),
		{ numRuns: 15 },
	);
});

test('a call heavier than the bucket waits until it is full and is paid off before the next', async () => {
	expect(await acquire('sim', 0, { weight: 300 })).toMatchObject({ isGranted: true });
	// The 204 beyond the bucket's 96 come back in 2.79 s; only then does it fill again.
	expect(await acquire('sim', 2.8)).toMatchObject({ isGranted: false });
	expect(await acquire('sim', 2.81, { isUrgent: true })).toMatchObject({ isGranted: true });
	expect(await acquire('sim', 2.81, { weight: 300, isUrgent: true })).toMatchObject({ isGranted: false });
});

test('when the account is out of tokens the address gets its own back', async () => {
	const call = { accountKey: '7', accountBucket: 'order_linear' };
	expect(await acquire('sim', 0, call)).toMatchObject({ isGranted: true });
	const before = await bucket('IP');
	const refused = await acquire('sim', 0, call);
	expect(refused).toMatchObject({ isGranted: false, refusal: 'RATE_LIMIT' });
	const after = await bucket('IP');
	expect(after.granted_count).toBe(1);
	expect(Number(after.tokens)).toBe(Number(before.tokens));
	expect(await acquire('sim', 0, { ...call, accountKey: '8' })).toMatchObject({ isGranted: true });
});

test('one round trip grants a batch, and says when the rest is worth asking for', async () => {
	expect(await acquire('sim', 0, { calls: 50 })).toMatchObject({ grantedCalls: 50, retryAfterMs: 0 });
	// 46 of 96 are left, 24 of them kept for closes.
	expect(await acquire('sim', 0, { calls: 50 })).toMatchObject({ isGranted: true, grantedCalls: 22, retryAfterMs: 14 });
	expect(await bucket('IP')).toMatchObject({ granted_count: 72, denied_count: 0 });
	const orders = { accountKey: '7', accountBucket: 'read', calls: 12, isUrgent: true };
	expect(await acquire('sim', 1, orders)).toMatchObject({ grantedCalls: 8 });
	expect((await bucket('IP')).granted_count).toBe(80);
});

test('the last quarter of the burst is kept for closes, whoever else empties the bucket', async () => {
	for (let second = 0; second < 20; second += 1) {
		while ((await acquire('sim', second, { calls: 20 })).isGranted);
		for (let close = 0; close < 20; close += 1)
			expect(await acquire('sim', second + 0.5, { isUrgent: true })).toMatchObject({ isGranted: true });
	}
	// An account's bucket may hold one order and a half: what is kept is the half, and a close never waits longer than one takes.
	const orders = { accountKey: '7', accountBucket: 'order_linear' };
	expect(await acquire('sim', 30, orders)).toMatchObject({ isGranted: true });
	const waits = [await acquire('sim', 30, { ...orders, isUrgent: true }), await acquire('sim', 30, orders)];
	expect(waits.map(({ retryAfterMs }) => retryAfterMs)).toEqual([79, 157]);
});

test('a refusal of the exchange halves the rate once, and it grows back within ten minutes', async () => {
	const spend = async (from: number, seconds: number) => {
		let spent = 0;
		for (let at = from; at < from + seconds; at += 0.25)
			spent += (await acquire('sim', at, { calls: 100, isUrgent: true })).grantedCalls;
		return spent;
	};
	await acquire('sim', 0);
	await report({ blockedForMs: 10_000, reason: '10006', now: after(0) });
	// Of the crowd that was under way at the same time.
	await report({ blockedForMs: 10_000, reason: '10006', now: after(1) });
	expect(Number((await bucket('IP')).pace)).toBe(0.5);
	await spend(12, 1);
	expect(await spend(13, 10)).toBeLessThanOrEqual(73.2 * 10 * 0.54);
	const spentLater = await spend(300, 10);
	expect(spentLater).toBeGreaterThan(73 * 10 * 0.95);
	await report({ blockedForMs: 10_000, reason: '10006', now: after(390) });
	await report({ blockedForMs: 9_000, reason: '10006', now: after(401) });
	expect(Number((await bucket('IP')).pace)).toBeCloseTo(0.25, 2);
	expect(await spend(1_100, 10)).toBeGreaterThan(73 * 10);
});

test('Binance: one bucket keeps to all windows of its orders, spot and futures have weights of their own', async () => {
	const orders = async (accountBucket: string, ipBucket: string, seconds: number) => {
		const granted: number[] = [];
		for (let at = 0; at < seconds; at += 1) {
			const call = { accountKey: '7', accountBucket, ipBucket, calls: 100, isUrgent: true };
			granted.push((await acquire('binance', at, call)).grantedCalls);
		}
		const worst = (length: number) =>
			Math.max(...granted.map((_, from) => granted.slice(from, from + length).reduce((sum, calls) => sum + calls, 0)));
		return [worst(10), worst(60)] as const;
	};
	const [linearTen, linearMinute] = await orders('order_linear', 'weight_linear', 130);
	expect(linearTen).toBeLessThanOrEqual(240);
	expect(linearMinute).toBeLessThanOrEqual(960);
	expect(linearMinute).toBeGreaterThan(900);
	const [spotTen, spotMinute] = await orders('order_spot', 'weight_spot', 130);
	expect(spotTen).toBeLessThanOrEqual(40);
	// 128,000 a day.
	expect(spotMinute).toBeLessThanOrEqual(100);
	const { rows } = await books.pool.query(
		`select bucket, capacity::float8 from rate_limits where exchange_id = 'binance' and scope = 'IP' order by bucket`,
	);
	expect(rows).toEqual([
		{ bucket: 'weight_linear', capacity: 384 },
		{ bucket: 'weight_spot', capacity: 960 },
	]);
});

test('a limit that a person sets is in force at once, for buckets in use as well, and is noted', async () => {
	const call = { accountKey: '7', accountBucket: 'order_linear', isUrgent: true };
	await acquire('bybit', 0, call);
	const set = (publishedLimit: number, more: Partial<Parameters<typeof setRateLimit>[1]> = {}) =>
		setRateLimit(books.pool, {
			exchangeId: 'bybit',
			scope: 'ACCOUNT',
			bucket: 'order_linear',
			windowMs: 1_000,
			publishedLimit,
			actor: 'tester',
			...more,
		});
	try {
		expect(await set(100)).toBe('10');
		expect(await acquire('bybit', 60, { ...call, calls: 100 })).toMatchObject({ grantedCalls: 16 });
		expect(await acquire('bybit', 60, { ...call, accountKey: '8', calls: 100 })).toMatchObject({ grantedCalls: 16 });
		expect(
			await one(books.pool, `select actor, subject, before, after from audit_log where action = 'limit.set'`),
		).toEqual({
			actor: 'tester',
			subject: 'bybit ACCOUNT order_linear 1000 ms',
			before: { published_limit: 10 },
			after: { published_limit: 100 },
		});
		expect(await set(5, { bucket: 'unheard' })).toBe(null);
		await expect(set(-1)).rejects.toThrow(/rule_limit_is_positive/);
	} finally {
		await set(10);
	}
});

test('a clock that goes back gives nothing away', async () => {
	for (let call = 0; call < 96; call++) await acquire('sim', 10);
	expect(await acquire('sim', 5)).toMatchObject({ isGranted: false });
	expect(await acquire('sim', 10)).toMatchObject({ isGranted: false });
});

test('blocked until the exchange says so, under an alert that ends by itself', async () => {
	await acquire('sim', 0);
	await report({ blockedForMs: 599_000, reason: '10006', now: after(1) });
	await report({ blockedForMs: 298_000, reason: '10006', now: after(2) });
	expect(await acquire('sim', 599)).toMatchObject({ isGranted: false, retryAfterMs: 1_000 });
	expect(await acquire('sim', 600)).toMatchObject({ isGranted: true });
	expect(await one(books.pool, 'select code, severity, occurrences from alerts')).toEqual({
		code: 'LIMIT_EXCEEDED',
		severity: 'CRITICAL',
		occurrences: 2,
	});
});

test('over 60% used is a warning, 60% is not', async () => {
	await acquire('sim', 0);
	await report({ used: 360, now: after(1) });
	expect((await books.pool.query('select from alerts')).rowCount).toBe(0);
	await report({ used: 361, now: after(2) });
	expect(await one(books.pool, 'select code, severity from alerts')).toEqual({
		code: 'LIMIT_HIGH_USE',
		severity: 'WARNING',
	});
});

test.each([1, 2, 5, 10, 100, 6_000])(
	'a published limit of %d, learned from the exchange, is kept to and can still be used',
	async (limit) => {
		await acquire('sim', 0);
		await report({ limit, now: after(1) });
		const row = await bucket('IP');
		const { capacity, refill_per_second: refill } = row as Record<string, string>;
		expect(Number(capacity) + Number(refill) * 5).toBeLessThanOrEqual(limit * 0.8);
		expect(Number(refill)).toBeGreaterThan(0);
		let granted = 0;
		for (let second = 60; second < 120; second += 1) granted += (await acquire('sim', second)).isGranted ? 1 : 0;
		expect(granted).toBeGreaterThan(0);
		expect(granted).toBeLessThanOrEqual(Math.max((limit / 5) * 60, 12));
	},
);

test('a limit of nothing is not believed; an unknown bucket is a mistake', async () => {
	await acquire('sim', 0);
	await report({ limit: 0, used: 5, now: after(1) });
	expect(Number((await bucket('IP')).published_limit)).toBe(600);
	await report({ bucket: 'unheard', used: 5, now: after(1) });
	await expect(acquire('sim', 0, { accountKey: '7', accountBucket: 'unheard' })).rejects.toThrow(/no rate limit rule/);
});

test('five failures in a row open the breaker, a success before that starts the count again', async () => {
	const fail = (seconds: number) =>
		recordExchangeResult(books.pool, { exchangeId: 'sim', isSuccess: false, error: '502', now: after(seconds) });
	const changedAt = (await breaker()).changed_at;
	for (let failure = 1; failure <= 4; failure++) expect(await fail(failure)).toBe('CLOSED');
	expect(await breaker()).toMatchObject({ consecutive_failures: 4, changed_at: changedAt });
	expect(await recordExchangeResult(books.pool, { exchangeId: 'sim', isSuccess: true, now: after(5) })).toBe('CLOSED');
	for (let failure = 6; failure <= 9; failure++) await fail(failure);
	expect(await fail(10)).toBe('OPEN');
	expect(await breaker()).toMatchObject({
		state: 'OPEN',
		opened_at: after(10),
		probe_at: after(70),
		changed_at: after(10),
	});
	expect(await one(books.pool, `select subject, severity from alerts where code = 'BREAKER_OPEN'`)).toEqual({
		subject: 'sim',
		severity: 'CRITICAL',
	});
	expect(await acquire('sim', 30)).toMatchObject({ isGranted: false, refusal: 'BREAKER_OPEN', retryAfterMs: 40_000 });
	expect(await acquire('bybit', 30)).toMatchObject({ isGranted: true });
});

test('after 60 s one worker probes, with a public read; its success closes the breaker, its failure opens it again', async () => {
	const opened = { exchangeId: 'sim', isSuccess: false, error: 'ban', bannedForMs: 60_000, now: after(0) };
	await recordExchangeResult(books.pool, opened);
	expect(await acquire('sim', 60, { accountKey: '7', accountBucket: 'read' })).toMatchObject({
		refusal: 'BREAKER_OPEN',
	});
	const asked = await Promise.all(
		Array.from({ length: 6 }, (_, index) => acquire('sim', 60, { workerId: `worker-${index}` })),
	);
	expect(asked.filter(({ isGranted }) => isGranted)).toMatchObject([{ isProbe: true }]);
	expect(await breaker()).toMatchObject({ state: 'HALF_OPEN' });
	expect(await recordExchangeResult(books.pool, { ...opened, bannedForMs: null, now: after(61) })).toBe('OPEN');
	expect(await breaker()).toMatchObject({ probe_at: after(121), opened_at: after(0), probed_by: null });
	expect(await acquire('sim', 121)).toMatchObject({ isGranted: true, isProbe: true });
	// A prober that died gives way when its time is over.
	expect(await acquire('sim', 180, { workerId: 'worker-2' })).toMatchObject({ isGranted: false });
	expect(await acquire('sim', 181, { workerId: 'worker-2' })).toMatchObject({ isProbe: true });
	expect(await recordExchangeResult(books.pool, { exchangeId: 'sim', isSuccess: true, now: after(182) })).toBe(
		'CLOSED',
	);
	expect(await breaker()).toMatchObject({ opened_at: null, probe_at: null, probed_by: null, consecutive_failures: 0 });
	// Opened, and opened again by the probe that failed.
	expect(await one(books.pool, `select resolved_at, occurrences from alerts where code = 'BREAKER_OPEN'`)).toEqual({
		resolved_at: after(182),
		occurrences: 2,
	});
	expect(await one(books.pool, `select severity, opened_at from alerts where code = 'BREAKER_CLOSED'`)).toEqual({
		severity: 'INFO',
		opened_at: after(182),
	});
});

test('a ban opens the breaker at once and holds it until its end', async () => {
	expect(
		await recordExchangeResult(books.pool, {
			exchangeId: 'sim',
			isSuccess: false,
			bannedForMs: 900_000,
			now: after(0),
		}),
	).toBe('OPEN');
	await recordExchangeResult(books.pool, { exchangeId: 'sim', isSuccess: false, error: 'still', now: after(10) });
	expect(await breaker()).toMatchObject({ probe_at: after(900), changed_at: after(0) });
	expect(await acquire('sim', 899.9)).toMatchObject({ refusal: 'BREAKER_OPEN' });
	expect(await acquire('sim', 900)).toMatchObject({ isProbe: true });
});

test('a probe that finds no tokens leaves the breaker to the next', async () => {
	await acquire('sim', 0);
	await report({ blockedForMs: 99_000, reason: '403', now: after(1) });
	await recordExchangeResult(books.pool, {
		exchangeId: 'sim',
		isSuccess: false,
		bannedForMs: 59_000,
		now: after(1),
	});
	expect(await acquire('sim', 61)).toMatchObject({ isGranted: false, refusal: 'RATE_LIMIT', isProbe: false });
	expect(await breaker()).toMatchObject({ state: 'OPEN', probed_by: null, probe_at: after(100) });
	expect(await acquire('sim', 100)).toMatchObject({ isGranted: true, isProbe: true });
});
