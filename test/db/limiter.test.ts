/** The limiter and the breaker, on a clock of their own. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { acquireCall, recordExchangeResult, recordLimitReport } from '../../src/database/functions/guards.ts';
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
	for (let call = 0; call < 96; call++) expect(await acquire('sim', 0)).toMatchObject({ isGranted: true });
	const refused = await acquire('sim', 0);
	expect(refused).toMatchObject({ isGranted: false, refusal: 'RATE_LIMIT' });
	// 73.142857 come back per second: 384 in 5 s and a quarter.
	expect(refused.retryAfterMs).toBe(14);
	expect(await acquire('sim', 0.013)).toMatchObject({ isGranted: false });
	expect(await acquire('sim', 0.014)).toMatchObject({ isGranted: true });
	expect(await bucket('IP')).toMatchObject({ granted_count: 97, denied_count: 2 });
});

test('never more than 80% of the published limit in any window, whatever the calls and however many ask at once', async () => {
	const calls = fc.array(
		fc.record({
			gapMs: fc.integer({ min: 0, max: 900 }),
			weight: fc.integer({ min: 1, max: 90 }),
			callers: fc.integer({ min: 1, max: 6 }),
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
			for (const { gapMs, weight, callers } of given) {
				at += gapMs;
				const asking = Array.from({ length: callers }, () => acquire('sim', at / 1_000, { weight }));
				for (const { isGranted } of await Promise.all(asking)) if (isGranted) granted.push({ at, weight });
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
	expect(await acquire('sim', 2.81)).toMatchObject({ isGranted: true });
	expect(await acquire('sim', 2.81, { weight: 300 })).toMatchObject({ isGranted: false });
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

test('a clock that goes back gives nothing away', async () => {
	for (let call = 0; call < 96; call++) await acquire('sim', 10);
	expect(await acquire('sim', 5)).toMatchObject({ isGranted: false });
	expect(await acquire('sim', 10)).toMatchObject({ isGranted: false });
});

test('blocked until the exchange says so, under an alert that ends by itself', async () => {
	await acquire('sim', 0);
	await report({ blockedUntil: after(600), reason: '10006', now: after(1) });
	await report({ blockedUntil: after(300), reason: '10006', now: after(2) });
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
	const opened = { exchangeId: 'sim', isSuccess: false, error: 'ban', bannedUntil: after(60), now: after(0) };
	await recordExchangeResult(books.pool, opened);
	expect(await acquire('sim', 60, { accountKey: '7', accountBucket: 'read' })).toMatchObject({
		refusal: 'BREAKER_OPEN',
	});
	const asked = await Promise.all(
		Array.from({ length: 6 }, (_, index) => acquire('sim', 60, { workerId: `worker-${index}` })),
	);
	expect(asked.filter(({ isGranted }) => isGranted)).toMatchObject([{ isProbe: true }]);
	expect(await breaker()).toMatchObject({ state: 'HALF_OPEN' });
	expect(await recordExchangeResult(books.pool, { ...opened, bannedUntil: null, now: after(61) })).toBe('OPEN');
	expect(await breaker()).toMatchObject({ probe_at: after(121), opened_at: after(0), probed_by: null });
	expect(await acquire('sim', 121)).toMatchObject({ isGranted: true, isProbe: true });
	// A prober that died gives way when its time is over.
	expect(await acquire('sim', 180, { workerId: 'worker-2' })).toMatchObject({ isGranted: false });
	expect(await acquire('sim', 181, { workerId: 'worker-2' })).toMatchObject({ isProbe: true });
	expect(await recordExchangeResult(books.pool, { exchangeId: 'sim', isSuccess: true, now: after(182) })).toBe(
		'CLOSED',
	);
	expect(await breaker()).toMatchObject({ opened_at: null, probe_at: null, probed_by: null, consecutive_failures: 0 });
	expect(await one(books.pool, `select resolved_at from alerts where code = 'BREAKER_OPEN'`)).toEqual({
		resolved_at: after(182),
	});
});

test('a ban opens the breaker at once and holds it until its end', async () => {
	expect(
		await recordExchangeResult(books.pool, {
			exchangeId: 'sim',
			isSuccess: false,
			bannedUntil: after(900),
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
	await report({ blockedUntil: after(100), reason: '403', now: after(1) });
	await recordExchangeResult(books.pool, {
		exchangeId: 'sim',
		isSuccess: false,
		bannedUntil: after(60),
		now: after(1),
	});
	expect(await acquire('sim', 61)).toMatchObject({ isGranted: false, refusal: 'RATE_LIMIT', isProbe: false });
	expect(await breaker()).toMatchObject({ state: 'OPEN', probed_by: null, probe_at: after(100) });
	expect(await acquire('sim', 100)).toMatchObject({ isGranted: true, isProbe: true });
});
