/**
 * One operator's way through the page, over a system that is at work: logs in, makes a bot, checks it, pauses everything, sees
 * that no entry comes, resumes, and acknowledges an alert. Each test has a system of its own.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { raiseAlert } from '../../src/database/functions/guards.ts';
import { decide } from '../support/factories/trading.ts';
import { barriers, desktop, hasChromium, keepScreenshot, openPage, requireChromium } from './browser.ts';
import { nameOf, type Served, servePage } from './served.ts';

requireChromium();

/** A shared machine may be slow; nothing here is a promise about time. */
const soon = { timeout: 60_000 };
const testMs = 360_000;

describe.skipIf(!hasChromium)('an operator', () => {
	let served: Served | undefined;
	afterEach(async () => {
		await served?.close();
		served = undefined;
	});

	/** A browser that is logged in as operator. */
	async function loggedIn(hash: string) {
		served = await servePage();
		const open = await openPage(`${served.url}${hash}`, desktop);
		open.page.setDefaultTimeout(soon.timeout);
		await open.page.getByRole('button', { name: 'Log in' }).click();
		const dialog = open.page.getByRole('dialog');
		await dialog.getByLabel('Token').fill(served.operator);
		await dialog.getByRole('button', { name: 'Log in' }).click();
		await open.page.getByRole('button', { name: 'Log out' }).waitFor();
		return { ...served, ...open, browserClose: open.close };
	}

	test(
		'logs in, makes a bot, checks it, stops every entry and lets them go on, acknowledges an alert',
		async () => {
			const { page, pool, seed, complaints, foreign, browserClose } = await loggedIn('');
			try {
				const figure = (title: string) => page.locator('.figure', { hasText: title }).locator('.value');
				await expect.poll(() => figure('Active bots').textContent(), soon).toBe('4');
				const views = page.getByRole('navigation', { name: 'Views' });

				// A bot is made; what the API's schema refuses is named before anything is sent.
				await views.getByRole('link', { name: 'Bots' }).click();
				await page.getByRole('link', { name: 'New bot' }).click();
				await page.getByRole('button', { name: 'Create bot' }).click();
				await page.getByText('2 fields need your attention.').waitFor();
				expect(await page.getByLabel('Name', { exact: true }).getAttribute('aria-invalid')).toBe('true');
				await page.getByLabel('Name', { exact: true }).fill('made by hand');
				await page.getByLabel('Market', { exact: true }).fill(seed.world.instrument.symbol);
				await page.getByText('perpetual settled in USDT, last').waitFor();
				await page.getByLabel('Size', { exact: true }).fill('a lot');
				await page.getByText('must be a decimal number').waitFor();
				await page.getByLabel('Size', { exact: true }).fill('250');
				await page.getByLabel('Entry threshold', { exact: true }).fill('0.9');
				expect(await barriers(page)).toEqual([]);
				await keepScreenshot(page, 'new-bot-1440-light');
				await page.getByRole('button', { name: 'Create bot' }).click();
				await page.getByRole('heading', { name: 'made by hand', level: 1 }).waitFor();
				const { rows } = await pool.query(
					`select b.sizing_value::float as size, v.parameters -> 'entry_threshold' as threshold
					   from botbox.bots b join botbox.strategy_versions v on v.id = b.strategy_version_id
					  where b.name = 'made by hand'`,
				);
				expect(rows).toEqual([{ size: 250, threshold: 0.9 }]);

				// Changed: only what was changed is sent, and the bot moves to a version of its own parameters.
				await page.getByRole('link', { name: 'Edit' }).click();
				await page.getByLabel('Entry threshold', { exact: true }).fill('0.8');
				await page.getByLabel('Checked every', { exact: true }).selectOption('60');
				await page.getByRole('button', { name: 'Save changes' }).click();
				await page.getByRole('heading', { name: 'made by hand', level: 1 }).waitFor();
				const changed = await pool.query(
					`select b.interval_minutes::int as every, b.sizing_value::float as size, v.parameters -> 'entry_threshold' as threshold
					   from botbox.bots b join botbox.strategy_versions v on v.id = b.strategy_version_id
					  where b.name = 'made by hand'`,
				);
				expect(changed.rows).toEqual([{ every: 60, size: 250, threshold: 0.8 }]);

				// Check now answers with its factors.
				await page.getByRole('button', { name: 'Check now' }).click();
				await page.getByText('Checked: no signal, below threshold').waitFor();
				expect(await page.getByRole('table', { name: 'Factors of the check' }).textContent()).toContain('EMA cross');

				// Everything is paused, with a reason: no entry comes.
				await views.getByRole('link', { name: 'Overview' }).click();
				await page.getByRole('button', { name: 'Pause all' }).click();
				const dialog = page.getByRole('dialog');
				await dialog.getByLabel('Reason').fill('a central bank speaks');
				await dialog.getByLabel('For').selectOption('60');
				await dialog.getByRole('button', { name: 'Pause' }).click();
				await page.getByText('All entries are paused.').waitFor();
				expect(await page.locator('.banner.warn').textContent()).toContain('a central bank speaks');
				expect(await decide(pool, seed.winner, { now: new Date() })).toMatchObject({ outcome: 'REJECTED' });
				await views.getByRole('link', { name: 'Signals' }).click();
				await page.locator('main tbody td', { hasText: 'A pause of entries is in force' }).first().waitFor();

				// Resumed, entries are queued again.
				await views.getByRole('link', { name: 'Overview' }).click();
				await page.getByRole('button', { name: 'Resume all' }).click();
				await dialog.getByRole('button', { name: 'Resume' }).click();
				await page.getByText('All entries are paused.').waitFor({ state: 'detached' });
				const later = new Date(Date.now() + 60_000);
				expect(await decide(pool, seed.winner, { now: new Date(), candleAt: later })).toMatchObject({
					outcome: 'QUEUED',
				});

				// An alert appears by itself and is acknowledged.
				await views.getByRole('link', { name: 'Alerts' }).click();
				const alert = { code: 'UNPROTECTED_POSITION', severity: 'CRITICAL', subject: 'position 1' } as const;
				await raiseAlert(pool, { ...alert, message: 'A position has no stop', now: new Date() });
				const row = page.getByRole('row', { name: 'A position has no stop' });
				await row.getByRole('button', { name: 'Acknowledge' }).click();
				await row.getByText('by token:test operator').waitFor();
				expect(await barriers(page)).toEqual([]);

				await page.getByRole('button', { name: 'Log out' }).click();
				await page.getByRole('button', { name: 'Log in' }).waitFor();
				expect(await page.getByRole('button', { name: /^Acknowledge / }).count()).toBe(0);
				expect(complaints).toEqual([]);
				expect(foreign).toEqual([]);
			} finally {
				await browserClose();
			}
		},
		testMs,
	);

	test(
		'pauses chosen bots at once, and flattens only after saying why; a wrong token lets nobody in',
		async () => {
			served = await servePage();
			const { url, operator, pool, seed } = served;
			const open = await openPage(`${url}#/bots`, desktop);
			const { page } = open;
			page.setDefaultTimeout(soon.timeout);
			try {
				await page.getByRole('button', { name: 'Log in' }).click();
				const dialog = page.getByRole('dialog');
				await dialog.getByLabel('Token').fill('bbx_not_a_token');
				await dialog.getByRole('button', { name: 'Log in' }).click();
				expect(await dialog.getByRole('alert').textContent()).toContain('unknown, expired or revoked');
				await dialog.getByLabel('Token').fill(operator);
				await dialog.getByRole('button', { name: 'Log in' }).click();

				for (const bot of [seed.winner, seed.refused]) {
					await page.getByRole('checkbox', { name: `Select ${await nameOf(pool, bot.id)}` }).check();
				}
				await page.getByText('2 bots chosen').waitFor();
				await page.getByRole('button', { name: 'Pause 2' }).click();
				await dialog.getByLabel('Reason').fill('their exchange is down');
				await dialog.getByRole('button', { name: 'Pause' }).click();
				await page.getByText('2 bots paused.').waitFor();
				const { rows } = await pool.query(
					"select id::int from botbox.bots where status = 'PAUSED' and status_reason = 'their exchange is down' order by id",
				);
				expect(rows.map(({ id }) => id)).toEqual([seed.winner.id, seed.refused.id]);

				await page.goto(`${url}#/positions`);
				await page.getByRole('button', { name: 'Flatten all bots' }).click();
				await dialog.getByRole('button', { name: 'Close 1 position' }).click();
				// Without a reason the form is not sent.
				expect(
					await dialog
						.getByLabel('Reason')
						.evaluate((input: { matches(css: string): boolean }) => input.matches(':invalid')),
				).toBe(true);
				await dialog.getByLabel('Reason').fill('a test of the whole');
				await dialog.getByRole('button', { name: 'Close 1 position' }).click();
				await page.getByText('1 position of all bots is being closed.').waitFor();
				// The browser itself reports the refusal of the wrong token.
				expect(open.complaints.filter((text) => !text.includes('401'))).toEqual([]);
			} finally {
				await open.close();
			}
		},
		testMs,
	);
});
