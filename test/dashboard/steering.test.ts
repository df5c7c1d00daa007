/** Many bots at once, and everything at once: paused and closed only after it was confirmed and said why; a wrong token does nothing. */
import { describe, expect, test } from 'vitest';
import { desktop, hasChromium, openPage, requireChromium } from './browser.ts';
import { nameOf, servePage } from './served.ts';

requireChromium();

/** A shared machine may be slow; nothing here is a promise about time. */
const soon = { timeout: 60_000 };
const testMs = 360_000;

describe.skipIf(!hasChromium)('an operator', () => {
	test(
		'pauses chosen bots at once, and flattens only after saying why; a wrong token lets nobody in',
		async () => {
			const served = await servePage();
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
				await served.close();
			}
		},
		testMs,
	);
});
