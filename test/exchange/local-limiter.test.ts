import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LocalLimiter } from '../../src/exchange/local-limiter.ts';

test('the local limiter begins empty and grants its rate', () => {
	let now = 0;
	const limiter = new LocalLimiter(
		() => 10,
		() => now,
	);
	expect(limiter.take(1)).toBe(100);
	now = 100;
	expect(limiter.take(1)).toBe(0);
	expect(limiter.take(1)).toBe(100);
	now = 10_000;
	for (let n = 0; n < 10; n += 1) expect(limiter.take(1)).toBe(0);
	expect(limiter.take(1)).toBe(100);
});

test('what is heavier than the bucket takes the full bucket instead of waiting for ever', () => {
	let now = 0;
	const limiter = new LocalLimiter(
		() => 10,
		() => now,
	);
	expect(limiter.take(50)).toBe(1_000);
	now = 1_000;
	expect(limiter.take(50)).toBe(0);
});

test('in no window does it grant more than a second’s burst and the rate', () => {
	fc.assert(
		fc.property(fc.array(fc.nat(300), { maxLength: 200 }), (steps) => {
			let now = 0;
			const limiter = new LocalLimiter(
				() => 10,
				() => now,
			);
			const grants: number[] = [];
			for (const step of steps) {
				now += step;
				if (limiter.take(1) === 0) grants.push(now);
			}
			for (const from of grants)
				for (const to of grants)
					if (to >= from)
						expect(grants.filter((at) => at >= from && at <= to).length).toBeLessThanOrEqual(
							10 + ((to - from) / 1000) * 10 + 1e-9,
						);
		}),
		{ numRuns: 30 },
	);
});
