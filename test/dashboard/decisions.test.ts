/**
 * What the page asks of a person: entries that wait for a word, trades that nobody but the exchange's own page can tell of, breakers,
 * limits, channels. The tests share a system, and each brings what it decides about.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sealSettings } from '../../src/alerts/channels.ts';
import { takeRolloutSteps } from '../../src/database/functions/administration.ts';
import { createAlertChannel, recordAlertDelivery } from '../../src/database/functions/alerts.ts';
import { pauseEntries, resumeEntries } from '../../src/database/functions/guards.ts';
import { recordOrderResult, recoverOrders } from '../../src/database/functions/trades.ts';
import { one } from '../db/books.ts';
import { queueTrade, submitTrade, workerId } from '../support/factories/trading.ts';
import { makeAccount, makeBot, makeWorld } from '../support/factories/world.ts';
import {
	barriers,
	desktop,
	hasChromium,
	keepScreenshot,
	type OpenPage,
	openPage,
	overflow,
	phone,
	requireChromium,
} from './browser.ts';
import { nameOf, type Served, servePage } from './served.ts';

requireChromium();

/** A shared machine may be slow; nothing here is a promise about time. */
const soon = { timeout: 60_000 };

describe.skipIf(!hasChromium)('a person decides', { timeout: 240_000 }, () => {
	let served: Served;
	beforeAll(async () => {
		served = await servePage();
	}, 120_000);
	afterAll(async () => {
		await served?.close();
	});

	/** Logged in by a link of its own, on a page that must neither complain nor ask beyond its origin. */
	async function loggedIn(hash: string, work: (open: OpenPage) => Promise<void>): Promise<void> {
		const open = await openPage(await served.loginLink(), desktop);
		open.page.setDefaultTimeout(soon.timeout);
		try {
			await open.page.getByRole('button', { name: 'Log out' }).waitFor();
			await open.page.goto(`${served.url}${hash}`);
			await work(open);
			expect(open.complaints).toEqual([]);
			expect(open.foreign).toEqual([]);
		} finally {
			await open.close();
		}
	}

	async function waiting(): Promise<{ tradeId: string; botId: number; name: string }> {
		const { pool, seed } = served;
		const bot = await makeBot(pool, seed.world, { execution: 'CONFIRM' });
		const tradeId = await queueTrade(pool, bot, { now: new Date(), price: 104, stopLossFraction: 0.02 });
		return { tradeId, botId: bot.id, name: await nameOf(pool, bot.id) };
	}
	const approval = (tradeId: string) =>
		one(served.pool, 'select decision, decided_by, reason from botbox.trade_approvals where trade_id = $1', [tradeId]);

	test('the link of the terminal logs in once; whoever comes later is told why it does not', async () => {
		const link = await served.loginLink();
		const first = await openPage(link, desktop);
		try {
			await first.page.getByRole('button', { name: 'Log out' }).waitFor();
			expect(first.page.url()).not.toContain('login');
			expect(first.complaints).toEqual([]);
		} finally {
			await first.close();
		}
		const second = await openPage(link, desktop);
		try {
			const banner = second.page.locator('.banner', { hasText: 'This login link does not work.' });
			await banner.waitFor();
			expect(await banner.textContent()).toContain('used before, or is older than 30 minutes');
			expect(await barriers(second.page)).toEqual([]);
			// A token still opens, and the banner has done its work.
			await second.page.getByRole('button', { name: 'Log in' }).click();
			const dialog = second.page.getByRole('dialog');
			await dialog.getByLabel('Token').fill(served.operator);
			await dialog.getByRole('button', { name: 'Log in' }).click();
			await banner.waitFor({ state: 'detached' });
			expect(second.complaints.filter((text) => !text.includes('401'))).toEqual([]);
		} finally {
			await second.close();
		}
	});

	test('an entry that waits is approved on the overview and rejected on its bot, and then asks no more', async () => {
		const [yes, no] = [await waiting(), await waiting()];
		await loggedIn('', async ({ page }) => {
			const panel = page.getByRole('region', { name: 'Waiting for your approval', exact: true });
			const row = panel.getByRole('row', { name: yes.name });
			await row.waitFor();
			// Decided at 104, the last price is 105: dearer for who buys.
			expect(await row.locator('small.loss').textContent()).toBe('+0.96%');
			await row.getByRole('button', { name: /^Approve / }).click();
			const dialog = page.getByRole('dialog');
			expect(await dialog.textContent()).toContain('Decided at104.000');
			await dialog.getByRole('button', { name: 'Approve' }).click();
			await row.waitFor({ state: 'detached' });
			expect(await approval(yes.tradeId)).toMatchObject({
				decision: 'APPROVED',
				decided_by: expect.stringMatching(/./),
			});

			await page.goto(`${served.url}#/bots/${no.botId}`);
			await page.getByText('Ask first').waitFor();
			await panel.getByRole('button', { name: /^Reject / }).click();
			await dialog.getByLabel('Reason').fill('news at noon');
			await dialog.getByRole('button', { name: 'Reject' }).click();
			await panel.waitFor({ state: 'detached' });
			expect(await approval(no.tradeId)).toMatchObject({ decision: 'REJECTED', reason: 'news at noon' });
		});
	});

	test('what waits fits every width, in light and dark, and bars nobody', async () => {
		const { name } = await waiting();
		await loggedIn('#/queue', async ({ page }) => {
			const row = page.getByRole('row', { name });
			for (const { width, height } of [desktop, phone]) {
				for (const scheme of ['light', 'dark'] as const) {
					await page.setViewportSize({ width, height });
					await page.emulateMedia({ colorScheme: scheme });
					await row.getByRole('button', { name: /^Approve / }).waitFor();
					await expect.poll(() => overflow(page), soon).toBe(0);
					expect(await barriers(page)).toEqual([]);
					await keepScreenshot(page, `approvals-${width}-${scheme}`);
				}
			}
		});
	});

	test('a parked trade is settled by what a person saw at the exchange', async () => {
		const { pool } = served;
		// A market of its own, since the other bots hold theirs.
		const bot = await makeBot(pool, await makeWorld(pool));
		const name = await nameOf(pool, bot.id);
		const earlier = new Date(Date.now() - 900_000);
		const sent = await submitTrade(pool, await queueTrade(pool, bot, { now: earlier }), { now: earlier });
		await recordOrderResult(pool, { orderId: sent.orderId, workerId, result: 'UNKNOWN', now: earlier });
		await recoverOrders(pool, { now: new Date() });
		await loggedIn('#/queue', async ({ page }) => {
			const panel = page.getByRole('region', { name: 'Parked trades', exact: true });
			await panel.getByRole('button', { name: `Resolve the trade of ${name}` }).click();
			const dialog = page.getByRole('dialog');
			await dialog.getByRole('button', { name: 'Filled', exact: true }).click();
			await dialog.getByLabel('Quantity filled').fill('4');
			await dialog.getByLabel('Average price').fill('101.5');
			await dialog.getByLabel('Reason').fill('seen in the trade history');
			await keepScreenshot(page, 'resolve-1440-light');
			expect(await barriers(page)).toEqual([]);
			await dialog.getByRole('button', { name: 'Book this fill' }).click();
			await page.getByText(`The trade of ${name} is executed.`).waitFor();
			await panel.waitFor({ state: 'detached' });
		});
		expect(
			await one(
				pool,
				'select quantity::float, average_entry_price::float as price from botbox.positions where bot_id = $1',
				[bot.id],
			),
		).toEqual({
			quantity: 4,
			price: 101.5,
		});
	});

	test('the breaker of an exchange is opened with a reason, and reset', async () => {
		const state = async () =>
			(await one(served.pool, `select state from botbox.circuit_breakers where exchange_id = 'sim'`)).state;
		await loggedIn('#/exchanges', async ({ page }) => {
			const dialog = page.getByRole('dialog');
			await page.getByRole('button', { name: /^Open the breaker of / }).click();
			await dialog.getByLabel('Reason').fill('its answers are wrong');
			await dialog.getByRole('button', { name: 'Open breaker' }).click();
			await page.getByText('Breaker open', { exact: true }).waitFor();
			expect(await state()).toBe('OPEN');
			await page.getByRole('button', { name: /^Reset the breaker of / }).click();
			await dialog.getByRole('button', { name: 'Reset breaker' }).click();
			await page.getByText('Connected', { exact: true }).waitFor();
			expect(await state()).toBe('CLOSED');
		});
	});

	test('limits of an account are changed on the state that was read: only what was changed is sent', async () => {
		const { pool, seed } = served;
		const { name } = await one(pool, 'select name from botbox.accounts where id = $1', [seed.world.accountId]);
		const limits = () =>
			one(
				pool,
				'select max_positions, daily_loss_limit::float, max_drawdown::float from botbox.accounts where id = $1',
				[seed.world.accountId],
			);
		await loggedIn('#/risk', async ({ page, complaints }) => {
			const dialog = page.getByRole('dialog', { name: `Limits of ${name}` });
			const open = () => page.getByRole('button', { name: `Change the limits of account ${name}` }).click();
			await open();
			expect(await dialog.getByLabel('Open positions').inputValue()).toBe('100');
			await dialog.getByLabel('Loss of a day').fill('250');
			await dialog.getByLabel('Drawdown from peak').fill('0.1');
			expect(await barriers(page)).toEqual([]);
			await keepScreenshot(page, 'limits-1440-light');
			await dialog.getByRole('button', { name: 'Save limits' }).click();
			await dialog.waitFor({ state: 'hidden' });
			expect(await limits()).toEqual({ max_positions: 100, daily_loss_limit: 250, max_drawdown: 0.1 });

			// What the API refuses is said in the dialog, and nothing is stored.
			await open();
			expect(await dialog.getByLabel('Loss of a day').inputValue()).toBe('250');
			await dialog.getByLabel('Drawdown from peak').fill('ten percent');
			await dialog.getByRole('button', { name: 'Save limits' }).click();
			expect(await dialog.getByRole('alert').textContent()).toContain('max_drawdown');
			// Somebody else is faster.
			await dialog.getByLabel('Drawdown from peak').fill('0.2');
			await pool.query('update botbox.accounts set max_positions = 7 where id = $1', [seed.world.accountId]);
			await dialog.getByRole('button', { name: 'Save limits' }).click();
			await expect.poll(() => dialog.getByRole('alert').textContent(), soon).toContain('changed');
			expect(await limits()).toEqual({ max_positions: 7, daily_loss_limit: 250, max_drawdown: 0.1 });
			// The browser itself reports both refusals.
			complaints.splice(0, complaints.length, ...complaints.filter((text) => !/status of 4(00|12)/.test(text)));
		});
	});

	test('a channel is tried, and the page says whether the message was taken', async () => {
		const { pool, api } = served;
		const channelId = await createAlertChannel(pool, {
			...{ name: 'ops', kind: 'SLACK', target: 'hooks.example', minimumSeverity: 'WARNING', actor: 'ann' },
			settings: sealSettings({ kind: 'SLACK', url: 'https://hooks.example/x' }, Buffer.alloc(32, 1).toString('base64')),
		});
		await loggedIn('#/alerts', async ({ page }) => {
			const button = page.getByRole('button', { name: 'Send a test message to ops' });
			await button.click();
			await expect.poll(() => api.tested, soon).toEqual([channelId]);
			await recordAlertDelivery(pool, { channelId, deliveryIds: [], error: 'it answered 404' });
			await page.getByText('ops did not take the test message: it answered 404').waitFor();
			await button.click();
			await expect.poll(() => api.tested, soon).toEqual([channelId, channelId]);
			await recordAlertDelivery(pool, { channelId, deliveryIds: [] });
			await page.getByText('ops took the test message.').waitFor();
			expect(await barriers(page)).toEqual([]);
		});
	});

	test('a change whose answer was lost is sent again and done once', async () => {
		const { pool, seed } = served;
		await loggedIn(`#/bots/${seed.refused.id}`, async ({ page, complaints }) => {
			let lost = 0;
			await page.route('**/api/v1/bots/*/pause', async (route) => {
				// The first reaches the API; its answer does not reach the page.
				const answer = await route.fetch();
				lost += 1;
				return lost === 1 ? await route.abort('connectionreset') : await route.fulfill({ response: answer });
			});
			await page.getByRole('button', { name: 'Pause', exact: true }).click();
			await page.getByRole('button', { name: 'Resume', exact: true }).waitFor();
			expect(lost).toBe(2);
			const lines = await one(
				pool,
				`select count(*)::int as n from botbox.audit_log where subject = $1 and after ->> 'status' = 'PAUSED'`,
				[`bot ${seed.refused.id}`],
			);
			expect(lines.n).toBe(1);
			complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes('ERR_CONNECTION_RESET')));
		});
	});

	test('a rollout is planned step by step, says what holds it back, and is cancelled', async () => {
		const { pool } = served;
		const accountId = await makeAccount(pool, { name: 'step by step' });
		const limit = async () =>
			(await one(pool, 'select max_active_bots from botbox.accounts where id = $1', [accountId])).max_active_bots;
		await loggedIn('#/risk', async ({ page, complaints }) => {
			const panel = page.getByRole('region', { name: 'Rollouts', exact: true });
			await panel.getByRole('button', { name: 'Plan a rollout' }).click();
			const dialog = page.getByRole('dialog', { name: 'Plan a rollout' });
			const bots = (step: number) => dialog.getByLabel(`Step ${step}: active bots`);
			const from = (step: number) => dialog.getByLabel(`Step ${step}: from`);
			await dialog.getByLabel('Account').selectOption({ label: 'step by step, PAPER' });
			await bots(1).fill('ten');
			await bots(2).fill('50');
			await dialog.getByRole('button', { name: 'Plan it' }).click();
			// The schema refuses what is no number before anything is sent; the API, what does not rise.
			await dialog.getByText('must be a whole number').waitFor();
			await bots(1).fill('50');
			await dialog.getByRole('button', { name: 'Plan it' }).click();
			await dialog.getByText('must be more than in the step before it (50)').waitFor();
			await dialog.getByText('must be given: only the first step counts at once').waitFor();
			expect(await bots(2).getAttribute('aria-invalid')).toBe('true');
			expect(await barriers(page)).toEqual([]);
			await bots(1).fill('10');
			await from(2).fill('2099-12-08T09:00');
			await dialog.getByRole('button', { name: 'Add a step' }).click();
			await bots(3).fill('100');
			await from(3).fill('2099-12-15T09:00');
			await keepScreenshot(page, 'rollout-plan-1440-light');
			await dialog.getByRole('button', { name: 'Plan it' }).click();
			await page.getByText('Account step by step: up to 10 active bots from now on.').waitFor();
			expect(await limit()).toBe(10);

			const own = panel.getByRole('region', { name: 'Rollout of step by step' });
			await own.getByText('0 of 10 places taken, 0 active').waitFor();
			const steps = own.getByRole('table').locator('tbody tr');
			await expect.poll(() => steps.count(), soon).toBe(3);
			expect(await steps.nth(1).textContent()).toContain('08 Dec');
			expect(await Promise.all([0, 1, 2].map((i) => steps.nth(i).locator('.badge').textContent()))).toEqual([
				...['Taken', 'Planned', 'Planned'],
			]);
			// Its time comes, and something stands against it.
			await pauseEntries(pool, {
				scope: 'ACCOUNT',
				accountId,
				reason: 'fees are odd',
				actor: 'ann',
				now: new Date(),
			});
			await takeRolloutSteps(pool, { now: new Date('2099-12-08T10:00Z') });
			await page.reload();
			await own.getByText('The next step is held back since ').waitFor();
			expect(await own.textContent()).toContain('entries are paused: fees are odd');
			for (const { width, height } of [desktop, phone]) {
				for (const scheme of ['light', 'dark'] as const) {
					await page.setViewportSize({ width, height });
					await page.emulateMedia({ colorScheme: scheme });
					await expect.poll(() => overflow(page), soon).toBe(0);
					expect(await barriers(page)).toEqual([]);
					await own.scrollIntoViewIfNeeded();
					await keepScreenshot(page, `rollouts-${width}-${scheme}`);
				}
			}

			await own.getByRole('button', { name: 'Cancel the rollout of step by step' }).click();
			await page.getByRole('dialog').getByRole('button', { name: 'Cancel the rollout' }).click();
			await page.getByText('No further step of account step by step.').waitFor();
			await own.getByText('Cancelled').first().waitFor();
			expect(await limit()).toBe(10);
			await own.getByRole('button', { name: 'Cancel the rollout of step by step' }).click();
			await page.getByRole('dialog').getByRole('button', { name: 'Cancel the rollout' }).click();
			await own.waitFor({ state: 'detached' });
			expect(await limit()).toBeNull();
			await resumeEntries(pool, { scope: 'ACCOUNT', accountId, actor: 'ann' });
			// The browser itself reports what the API refused.
			complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes('status of 400')));
		});
	});
});
