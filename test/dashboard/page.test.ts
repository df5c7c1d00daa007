/** The built page in a real browser, over the real API and a seeded database: what each view shows. Nothing is changed here. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
	type View,
} from './browser.ts';
import { nameOf, type Served, servePage } from './served.ts';

requireChromium();

/** A shared machine may be slow; nothing here is a promise about time. */
const soon = { timeout: 20_000 };

describe.skipIf(!hasChromium)('page', () => {
	let served: Served;
	beforeAll(async () => {
		served = await servePage();
	}, 120_000);
	afterAll(async () => {
		await served?.close();
	});

	/** Runs `look` on a page that must neither complain nor ask beyond its origin. */
	async function onPage(hash: string, view: View, look: (open: OpenPage) => Promise<void>): Promise<void> {
		const open = await openPage(`${served.url}${hash}`, view);
		try {
			await look(open);
			expect(open.complaints).toEqual([]);
			expect(open.foreign).toEqual([]);
		} finally {
			await open.close();
		}
	}

	const views: readonly View[] = [desktop, { ...desktop, scheme: 'dark' }, phone, { ...phone, scheme: 'dark' }];

	test.each(views)('the overview at $width px, $scheme', async (view) => {
		await onPage('', view, async ({ page }) => {
			const region = (name: string) => page.getByRole('region', { name, exact: true }).first();
			const figure = (title: string) => page.locator('.figure', { hasText: title }).locator('.value');
			await expect.poll(() => figure('Active bots').textContent(), soon).toBe('4');
			// 10 × (105 − 100) open; booked are the holder's fee of 1 and the winner's 10 × (110 − 100).
			expect(await figure('P&L paper').textContent()).toMatch(/^\+149\.00 USDT$/);
			expect(await figure('P&L live').textContent()).toMatch(/^0\.00 USDT$/);
			expect(await figure('Open positions').textContent()).toBe('1');
			expect(await figure('Acceptance').textContent()).toBe('75%');
			expect(await figure('Check lateness').textContent()).toBe('2.4 s');
			expect(await page.locator('.figure', { hasText: 'Workers running' }).textContent()).toMatch(
				/last tick (now|\d+ (s|min) ago)$/,
			);

			const signals = region('Recent signals');
			await expect.poll(() => signals.locator('tbody tr').count(), soon).toBe(4);
			expect(await signals.textContent()).toContain('The market regime is not one the strategy is made for');
			const positions = region('Open positions');
			await expect.poll(() => positions.locator('tbody tr').count(), soon).toBe(1);
			expect(await positions.locator('tbody tr td').last().textContent()).toBe('+50.00');
			const holds = async (name: string, text: string): Promise<void> =>
				await expect.poll(() => region(name).textContent(), soon).toContain(text);
			await holds('Equity', '10,149.00 USDT, +149.00');
			await holds('Trade queue', 'Executed');
			await holds('Accounts', 'exchange account');
			await holds('Exchanges', 'Connected');
			await holds('Open alerts', '6 minutes old');
			await holds('Rejection reasons', 'Regime unfavourable');
			await holds('Workers', 'desk');
			await expect.poll(() => page.locator('.banner').textContent(), soon).toContain('watching the news');
			expect(await page.locator('header').first().textContent()).toContain('Live');
			expect(await overflow(page)).toBe(0);
			expect(await page.getByRole('button', { name: 'Pause all' }).count()).toBe(0);
			await keepScreenshot(page, `overview-${view.width}-${view.scheme}`);
		});
	});

	/** Each view with something that it shows of the seeded system. */
	const shown: readonly (readonly [hash: string, title: string, text: string])[] = [
		['bots', 'Bots', 'trades-1'],
		['signals', 'Signals', 'The market regime is not one'],
		['queue', 'Queue and orders', 'Executed'],
		['positions', 'Positions', '+50.00'],
		['risk', 'Risk', 'exchange account'],
		['exchanges', 'Exchanges', 'Markets followed'],
		['strategies', 'Strategies', 'parameters of two versions'],
		['alerts', 'Alerts', '6 minutes old'],
		['bots/new', 'New bot', 'Log in with a token of role operator first'],
	];

	test.each([desktop, { ...phone, scheme: 'dark' as const }])(
		'every view at $width px, $scheme: shows what there is, fits, bars nobody',
		async (view) => {
			await onPage('', view, async ({ page }) => {
				const found: string[] = [];
				for (const [hash, title, text] of shown) {
					await page.goto(`${served.url}#/${hash}`);
					await page.getByRole('heading', { name: title, level: 1, exact: true }).waitFor();
					const main = page.getByRole('main');
					const wanted = text === 'trades-1' ? await nameOf(served.pool, served.seed.holder.id) : text;
					await expect.poll(() => main.textContent(), { ...soon, message: hash }).toContain(wanted);
					expect(await overflow(page), hash).toBe(0);
					found.push(...(await barriers(page)).map((line) => `${hash}: ${line}`));
					await keepScreenshot(page, `${hash.replace('/', '-')}-${view.width}-${view.scheme}`);
				}
				expect(found).toEqual([]);
			});
		},
		60_000,
	);

	test('on a phone the sheet leads to every view, and closes behind one', async () => {
		await onPage('', phone, async ({ page }) => {
			await page.getByRole('button', { name: 'More' }).click();
			const sheet = page.getByRole('dialog', { name: 'All views' });
			await sheet.waitFor();
			expect(await sheet.getByRole('link').count()).toBe(9);
			await sheet.getByRole('link', { name: 'Risk' }).click();
			await sheet.waitFor({ state: 'hidden' });
			await page.getByRole('heading', { name: 'Risk', level: 1 }).waitFor();
		});
	});

	test('a signal opens with the factors and the regime that decided it; filters are part of the address', async () => {
		await onPage('#/signals?status=REJECTED', desktop, async ({ page }) => {
			const rows = page.getByRole('region', { name: 'Signals', exact: true }).locator('tbody tr');
			await expect.poll(() => rows.count(), soon).toBe(1);
			await rows.getByRole('button').click();
			const dialog = page.getByRole('dialog');
			await dialog.waitFor();
			expect(await dialog.textContent()).toContain('The market regime is not one the strategy is made for');
			expect(await dialog.textContent()).toContain('Ranging');
			expect(await barriers(page)).toEqual([]);
			await dialog.getByRole('button', { name: 'Close' }).click();
			await page.getByRole('button', { name: 'All', exact: true }).click();
			await expect.poll(() => rows.count(), soon).toBe(4);
			expect(page.url()).toBe(`${served.url}#/signals`);
		});
	});

	test.each(views)('a bot at $width px, $scheme', async (view) => {
		const { seed, pool, url } = served;
		const name = await nameOf(pool, seed.holder.id);
		await onPage('#/bots', view, async ({ page }) => {
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
			await expect.poll(() => panel('Signals').textContent(), soon).toContain('Entry threshold');
			await expect.poll(() => panel('Trades').textContent(), soon).toContain('Executed');
			await expect.poll(() => panel('Positions').locator('tbody td').last().textContent(), soon).toBe('+49.00');
			expect(await overflow(page)).toBe(0);
			if (view === desktop) expect(await barriers(page)).toEqual([]);
			await keepScreenshot(page, `bot-${view.width}-${view.scheme}`);
		});
	});

	test('when the API is gone the page says so and keeps what it showed, then goes on', async () => {
		const open = await openPage(`${served.url}#/bots`, desktop);
		const { page } = open;
		try {
			const bots = page.getByRole('region', { name: 'Bots' }).first().locator('tbody tr');
			await expect.poll(() => bots.count(), soon).toBe(4);
			await page.route('**/api/**', (route) => route.abort());
			const banner = page.locator('.banner.bad');
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
		const { api, seed, url } = served;
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
			await page.goto(`${url}#/bots`);
			const region = page.getByRole('region', { name: 'Bots' }).first();
			await expect.poll(() => region.locator('header .note').textContent(), soon).toBe('3,000');
			expect(await region.locator('tbody tr').count()).toBeLessThan(120);
			await page.evaluate("document.querySelector('main .table').scrollTo(0, 1e9)");
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
