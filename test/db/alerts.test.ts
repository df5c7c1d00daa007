/** The life of an alert: opened once, acknowledged by a person, resolved with its cause. */
import { expect, test } from 'vitest';
import { acknowledgeAlert, raiseAlert, resolveAlert } from '../../src/database/functions/guards.ts';
import { after, start } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

const raise = (subject: string) =>
	raiseAlert(books.pool, { code: 'TEST', severity: 'CRITICAL', subject, message: 'of a test', now: start });
const acknowledge = (id: number, actor = 'ann') => acknowledgeAlert(books.pool, { id, actor, now: after(60) });

test('an open alert is acknowledged once, by whoever is first, and stays open', async () => {
	const id = await raise('x');
	const answers = await Promise.all(['ann', 'bob', 'eve'].map((actor) => acknowledge(id, actor)));
	expect(answers.toSorted()).toEqual([false, false, true]);
	const alert = await one(books.pool, 'select acknowledged_at, acknowledged_by, resolved_at from alerts');
	expect(alert).toEqual({
		acknowledged_at: after(60),
		acknowledged_by: ['ann', 'bob', 'eve'][answers.indexOf(true)],
		resolved_at: null,
	});
	expect(await one(books.pool, 'select actor, action, subject, after from audit_log')).toEqual({
		actor: alert.acknowledged_by,
		action: 'alert.acknowledge',
		subject: `alert ${id}`,
		after: { code: 'TEST', subject: 'x' },
	});
});

test('neither a resolved alert nor one that does not exist can be acknowledged', async () => {
	const id = await raise('x');
	await resolveAlert(books.pool, { code: 'TEST', subject: 'x', now: after(1) });
	expect(await acknowledge(id)).toBe(false);
	expect(await acknowledge(id + 1_000)).toBeNull();
	const { rowCount } = await books.pool.query('select from audit_log');
	expect(rowCount).toBe(0);
});

test('a repeated sighting leaves an acknowledgement as it is; a new alert of the same subject needs its own', async () => {
	const id = await raise('x');
	await acknowledge(id);
	expect(await raise('x')).toBe(id);
	expect(await one(books.pool, 'select acknowledged_by, occurrences from alerts')).toEqual({
		acknowledged_by: 'ann',
		occurrences: 2,
	});
	await resolveAlert(books.pool, { code: 'TEST', subject: 'x', now: after(1) });
	const next = await raise('x');
	expect(next).not.toBe(id);
	expect(await one(books.pool, 'select acknowledged_by from alerts where id = $1', [next])).toEqual({
		acknowledged_by: null,
	});
});
