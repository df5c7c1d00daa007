/** Eight workers that want more than there is, on a clock of the test's; real processes do the same in `npm run chaos`. */
import { expect, test } from 'vitest';
import { acquireCall } from '../../src/database/functions/guards.ts';
import { worstWindow } from '../chaos/limiter-crowd.ts';
import { seededRandom } from '../chaos/random.ts';
import { after } from '../support/factories/world.ts';
import { openBooks } from './books.ts';

const books = openBooks();
/** Of an account on the simulated exchange: 50 reads a second are published. */
const published = 50;
const seconds = 8;

test('never more than 80% in any window, at least 95% of what the bucket can grant, and no close waits a second', async () => {
	const random = seededRandom(8);
	const below = (most: number) => Math.floor(random.next() * most);
	const sent: number[] = [];
	const waits: number[] = [];
	const ask = async (atMs: number, calls: number, isUrgent: boolean) => {
		const [answer] = await acquireCall(books.pool, {
			exchangeId: 'sim',
			workerId: 'w',
			accountKey: '1',
			accountBucket: 'read',
			calls,
			isUrgent,
			now: after(atMs / 1_000),
		});
		if (answer === undefined) throw new Error('no answer');
		// Each call goes out at some moment of the life of its grant.
		for (let n = 0; n < answer.grantedCalls; n += 1) sent.push(atMs + below(250));
		return answer;
	};
	// Each worker has a reader that always wants a batch, and closes one position now and then. All timers are late by a little.
	const askers = Array.from({ length: 16 }, (_, n) => ({ isUrgent: n % 2 === 1, nextMs: n * 37, wantedMs: n * 37 }));
	for (;;) {
		const asker = askers.reduce((first, other) => (other.nextMs < first.nextMs ? other : first));
		if (asker.nextMs >= seconds * 1_000) break;
		const { grantedCalls, retryAfterMs } = await ask(asker.nextMs, asker.isUrgent ? 1 : 1 + below(20), asker.isUrgent);
		if (grantedCalls > 0 && asker.isUrgent) {
			waits.push(asker.nextMs - asker.wantedMs);
			asker.nextMs += 1_000 + below(2_000);
			asker.wantedMs = asker.nextMs;
		} else asker.nextMs += Math.max(retryAfterMs, 1) + below(60);
	}
	expect(worstWindow(sent, 1_000)).toBeLessThanOrEqual(published * 0.8);
	const { rows } = await books.pool.query<{ possible: number }>(
		`select (capacity + refill_per_second * $1)::float8 as possible from rate_limits where scope = 'ACCOUNT'`,
		[seconds],
	);
	expect(sent.length).toBeGreaterThan(0.95 * (rows[0]?.possible ?? Number.NaN));
	expect(waits.length).toBeGreaterThan(8 * (seconds / 3) * 0.8);
	expect(Math.max(...waits)).toBeLessThan(1_000);
});
