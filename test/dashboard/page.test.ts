/** The built page in a real browser, over the real API and a seeded database. */
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createManualChecks } from '../../src/api/manual-checks.ts';
import { makeApi, makeToken, type TestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeManualCheck } from '../support/factories/checks.ts';
import {
	desktop,
	hasChromium,
	keepScreenshot,
	type OpenPage,
	openPage,
	phone,
	requireChromium,
	type View,
} from './browser.ts';
import { buildPage, pageDir } from './build.ts';
import { type Seed, seedPage } from './seed.ts';

requireChromium();

/** A shared machine may be slow; nothing here is a promise about time. */
const soon = { timeout: 20_000 };

describe.skipIf(!hasChromium)('page', () => {
	let database: TestDatabase;
	let api: TestApi;
	let seed: Seed;
	let url: string;
	let operator: string;
	const manualChecks = createManualChecks();
	beforeAll(async () => {
		await buildPage();
		database = await createTestDatabase();
		seed = await seedPage(database.pool);
		({ token: operator } = await makeToken(database.pool, 'operator'));
		api = await makeApi(database.pool, {
			pageDir,
			manualChecks,
			onCheck: async ({ botId, requestedAt, isDryRun }) => {
				const at = new Date(requestedAt);
				await makeManualCheck(database.pool, botId, { at, isDryRun });
				manualChecks.notify(`${botId} ${(at.getTime() / 1_000).toFixed(6)}`);
			},
		});
		await api.app.listen({ host: '127.0.0.1', port: 0 });
		url = `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}/`;
	}, 120_000);
	afterAll(async () => {
		api?.app.server.closeAllConnections();
		await api?.app.close();
		await database?.drop();
	});

	/** Runs `look` on a page that must neither complain nor ask beyond its origin. */
	async function onPage(hash: string, view: View, look: (open: OpenPage) => Promise<void>): Promise<void> {
		const open = await openPage(`${url}${hash}`, view);
		try {
			await look(open);
			expect(open.complaints).toEqual([]);
			expect(open.foreign).toEqual([]);
		} finally {
			await open.close();
		}
	}

	const nameOf = async (botId: number): Promise<string> =>
		(await database.pool.query<{ name: string }>('select name from botbox.bots where id = $1', [botId])).rows[0]!.name;

	const views: readonly View[] = [desktop, { ...desktop, scheme: 'dark' }, phone, { ...phone, scheme: 'dark' }];

	test.each(views)('the overview at $width px, $scheme', async (view) => {
		await onPage('', view, async ({ page }) => {
			const region = (name: string) => page.getByRole('region', { name, exact: true }).first();
			const figure = (title: string) => page.locator('.figure', { hasText: title }).locator('.value');
			await expect.poll(() => region('Bots').locator('tbody tr').count(), soon).toBe(4);
			await expect.poll(() => figure('Active bots').textContent(), soon).toBe('4');
			// 10 × (105 − 100) open; booked are the holder's fee of 1 and the winner's 10 × (110 − 100).
			expect(await figure('P&L paper').textContent()).toMatch(/^\+149\.00 USDT$/);
			expect(await figure('P&L live').textContent()).toMatch(/^0\.00 USDT$/);
			expect(await figure('Open positions').textContent()).toBe('1');
			expect(await figure('Acceptance').textContent()).toBe('75%');

			const signals = region('Recent signals');
			await expect.poll(() => signals.locator('tbody tr').count(), soon).toBe(4);
			expect(await signals.textContent()).toContain('The market regime is not one the strategy is made for');
			const positions = region('Open positions');
			expect(await positions.locator('tbody tr').count()).toBe(1);
			expect(await positions.locator('tbody tr td').last().textContent()).toBe('+50.00');
			expect(await region('Orders').locator('tbody tr').count()).toBe(3);
			expect(await region('Trade queue').textContent()).toContain('Executed');
			expect(await region('Accounts').textContent()).toContain('exchange account');
			expect(await region('Exchanges').textContent()).toContain('Connected');
			expect(await region('Open alerts').textContent()).toContain('6 minutes old');
			expect(await region('Rejection reasons').textContent()).toContain('Regime unfavourable');
			expect(await region('Workers').textContent()).toContain('desk');
			expect(await page.locator('.banner').textContent()).toContain('watching the news');
			expect(await page.locator('header.top').textContent()).toMatch(/1 alert[\s\S]*Live/);

			const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
			expect(await page.evaluate(overflow)).toBe(0);
			expect(await page.getByRole('button', { name: 'Check now' }).count()).toBe(0);
			await keepScreenshot(page, `overview-${view.width}-${view.scheme}`);
		});
	});

	test.each(views)('a bot at $width px, $scheme', async (view) => {
		const name = await nameOf(seed.holder.id);
		await onPage('', view, async ({ page }) => {
			await page.getByRole('region', { name: 'Bots' }).getByRole('link', { name, exact: true }).click();
			expect(page.url()).toBe(`${url}#/bots/${seed.holder.id}`);
			await page.getByRole('heading', { name, level: 1 }).waitFor();
			await expect.poll(() => page.locator('.chart canvas').count(), soon).toBeGreaterThan(0);
			expect(await page.locator('.chart').getAttribute('aria-label')).toContain('150 5m candles');

			const factors = page.getByRole('table', { name: 'Factors of the check' });
			const cells = async (row: string) =>
				(await factors.getByRole('row', { name: row }).locator('td').allInnerTexts()).map((text) => text.trim());
			await factors.waitFor();
			expect(await cells('EMA cross')).toEqual(['1.5', '+0.80', '60%', '+0.48']);
			expect(await cells('Momentum')).toEqual(['0.02', '+0.50', '40%', '+0.20']);
			expect(await factors.locator('tfoot td').textContent()).toContain('+0.68');
			const panel = (title: string) => page.getByRole('region', { name: title, exact: true }).first();
			await expect.poll(() => panel('Checks').locator('tbody tr').count(), soon).toBeGreaterThan(0);
			expect(await panel('Signals').textContent()).toContain('Entry threshold');
			expect(await panel('Trades').textContent()).toContain('Executed');
			expect(await panel('Positions').locator('tbody td').last().textContent()).toBe('+49.00');
			expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
			await keepScreenshot(page, `bot-${view.width}-${view.scheme}`);
		});
	});

	test('with a token one checks, pauses and resumes a bot; a wrong one is refused and not kept', async () => {
		const open = await openPage(`${url}#/bots/${seed.refused.id}`, desktop);
		const { page } = open;
		try {
			await page.getByRole('button', { name: 'Enter token' }).click();
			const dialog = page.getByRole('dialog');
			await dialog.getByLabel('Token').fill('bbx_not_a_token');
			await dialog.getByRole('button', { name: 'Use token' }).click();
			await dialog.getByRole('alert').waitFor();
			expect(await dialog.getByRole('alert').textContent()).toContain('unknown, expired or revoked');
			expect(await page.evaluate('sessionStorage.length')).toBe(0);

			await dialog.getByLabel('Token').fill(operator);
			await dialog.getByRole('button', { name: 'Use token' }).click();
			await page.getByRole('button', { name: 'Check now' }).click();
			await page.getByText('Checked: no signal, below threshold').waitFor();
			expect(await page.getByRole('table', { name: 'Factors of the check' }).textContent()).toContain('EMA cross');

			await page.getByRole('button', { name: 'Pause' }).click();
			await page.getByRole('button', { name: 'Resume' }).waitFor();
			expect(await page.locator('.title .badge').textContent()).toBe('Paused');
			await page.getByRole('button', { name: 'Resume' }).click();
			await page.getByRole('button', { name: 'Pause' }).waitFor();
			expect(await page.locator('.title .badge').textContent()).toBe('Active');

			await page.getByRole('button', { name: 'Forget token' }).click();
			await expect.poll(() => page.getByRole('button', { name: 'Check now' }).count(), soon).toBe(0);
			expect(await page.evaluate('sessionStorage.length')).toBe(0);
			// The browser itself reports the refusal of the wrong token.
			expect(open.complaints.filter((text) => !text.includes('401'))).toEqual([]);
		} finally {
			await open.close();
		}
	});

	test('when the API is gone the page says so and keeps what it showed, then goes on', async () => {
		const open = await openPage(url, desktop);
		const { page } = open;
		try {
			const bots = page.getByRole('region', { name: 'Bots' }).first().locator('tbody tr');
			await expect.poll(() => bots.count(), soon).toBe(4);
			await page.route('**/api/**', (route) => route.abort());
			const banner = page.getByRole('alert');
			await banner.waitFor();
			expect(await banner.textContent()).toContain('The API does not answer.');
			expect(await bots.count()).toBe(4);
			await page.unroute('**/api/**');
			await banner.waitFor({ state: 'detached' });
		} finally {
			await open.close();
		}
	});

	test('thousands of bots are filtered and sorted, and only those in view are drawn', async () => {
		const answer = await api.call('GET', `/api/v1/bots/${seed.holder.id}`);
		const bot = answer.json<Record<string, unknown>>();
		const names = Array.from({ length: 3_000 }, (_, i) => `fleet ${String(i).padStart(4, '0')}`);
		const open = await openPage('about:blank', desktop);
		const { page } = open;
		try {
			await page.route(/\/api\/v1\/bots\?/, (route) => {
				const after = Number(new URL(route.request().url()).searchParams.get('after') ?? 0);
				const items = names.slice(after, after + 500).map((name, i) => ({ ...bot, bot_id: after + i + 1, name }));
				const next = after + 500 < names.length ? String(after + 500) : null;
				return route.fulfill({ json: { items, next } });
			});
			await page.goto(url);
			const region = page.getByRole('region', { name: 'Bots' }).first();
			await expect.poll(() => region.locator('header .note').textContent(), soon).toBe('3,000');
			expect(await region.locator('tbody tr').count()).toBeLessThan(120);
			await page.evaluate("document.querySelector('.bots .table').scrollTo(0, 1e9)");
			await expect.poll(() => region.locator('tbody th').last().textContent(), soon).toBe('fleet 2999');
			await region.getByRole('button', { name: 'Bot', exact: true }).click();
			await region.getByRole('button', { name: 'Bot', exact: true }).click();
			await expect.poll(() => region.locator('tbody th').first().textContent(), soon).toBe('fleet 2999');
			expect(await region.locator('thead th[aria-sort]').getAttribute('aria-sort')).toBe('descending');
			await region.getByRole('searchbox').fill('FLEET 299');
			await expect.poll(() => region.locator('header .note').textContent(), soon).toBe('13 of 3,000');
			await region.getByRole('searchbox').fill('nothing like it');
			await region.getByText('No bot matches').waitFor();
			expect(open.complaints).toEqual([]);
		} finally {
			await open.close();
		}
	});
});
