/** Crash points: the list and the code agree, and no process can be armed but one of a drill. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { armCrashPoint, canCrash, crashPoint, crashPoints } from '../../src/workers/crash-points.ts';
import { repository } from '../support/script.ts';

const folder = join(repository, 'src', 'workers');

afterEach(() => {
	delete process.env.BOTBOX_TEST_CRASH_POINTS;
	armCrashPoint(undefined);
});

test('every name in the code is in the list, and every name of the list is in the code', () => {
	const named = readdirSync(folder)
		.filter((file) => file.endsWith('.ts') && file !== 'crash-points.ts')
		.flatMap((file) => readFileSync(join(folder, file), 'utf8').match(/'[a-z]+:(before|after)-[a-z-]+'/g) ?? [])
		.map((quoted) => quoted.slice(1, -1));
	expect([...new Set(named)].sort()).toEqual([...crashPoints].sort());
	expect(new Set(crashPoints).size).toBe(crashPoints.length);
});

test('a process can be armed only from source and with the variable of the drills', () => {
	const drill = { BOTBOX_TEST_CRASH_POINTS: 'on' };
	expect(canCrash('file:///botbox/src/workers/crash-points.ts', drill)).toBe(true);
	expect(canCrash('file:///botbox/dist/workers/crash-points.js', drill)).toBe(false);
	expect(canCrash('file:///botbox/src/workers/crash-points.ts', { NODE_ENV: 'test' })).toBe(false);
});

test('without the variable arming is refused, and passing a point does nothing', () => {
	const plan = { point: 'execute:after-submit', passing: 1, strike: () => expect.unreachable() } as const;
	expect(() => armCrashPoint(plan)).toThrow('for the failure drills only');
	crashPoint('execute:after-submit');
});

test('an armed point strikes once, at the passing that was asked for, and no other point does', () => {
	process.env.BOTBOX_TEST_CRASH_POINTS = 'on';
	const struck: number[] = [];
	armCrashPoint({ point: 'settle:after-claim', passing: 2, strike: () => struck.push(1) });
	crashPoint('settle:after-recover');
	crashPoint('settle:after-claim');
	expect(struck).toEqual([]);
	crashPoint('settle:after-claim');
	crashPoint('settle:after-claim');
	expect(struck).toEqual([1]);
});
