/**
 * One operator's way through the page, over the demonstration as `botbox up` runs it: scheduler, worker, API and simulated exchange are
 * processes of their own on the real clock. Logs in by the link, sees the demonstration at work, makes a bot, checks it, pauses
 * everything, sees that no entry comes, resumes, sees the entry, and acknowledges the alert of an exchange that fails. At two widths,
 * and whatever is looked at on the way is looked at light and dark; each walk has an account and a bot of its own and leaves the system as it found it, so they go in any order.
 *
 * The demonstration brings its own database: on another server than the embedded one this would be the same test once more.
 */
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { hashToken } from '../../src/api/door.ts';
import { newSecret } from '../../src/api/session-cookie.ts';
import { createLoginCode } from '../../src/database/functions/access.ts';
import { createAccount } from '../../src/database/functions/administration.ts';
import { resetBreaker, resumeEntries } from '../../src/database/functions/guards.ts';
import { createPool, type Pool } from '../../src/database/pool.ts';
import { one } from '../db/books.ts';
import { type Installation, loginLink, makeInstallation, type Running, type Status } from '../support/up.ts';
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
import { buildPage } from './build.ts';

requireChromium();

/** A shared machine may be slow; nothing here is a promise about time. */
const soon = { timeout: 120_000 };
/** One whose candles the demonstration follows from its first minute, on the timeframe that the strategy's defaults ask for. */
const market = 'SOL/USDT:USDT';
/** What is worth a picture of each walk. */
const pictures = ['overview', 'new-bot', 'check', 'paused', 'alerts'];

describe.skipIf(!hasChromium || process.env.DATABASE_URL)(
	'an operator of the running demonstration',
	{ timeout: 600_000 },
	() => {
		let installation: Installation;
		let running: Running;
		let status: Status;
		let pool: Pool;
		beforeAll(async () => {
			await buildPage();
			installation = await makeInstallation();
			running = await installation.up();
			status = await installation.json<Status>('status');
			pool = createPool({ url: status.database, max: 2, applicationName: 'botbox tests' });
			// At work: it has checked the market of the walks on candles, and traded.
			await holds(
				`select (select bool_and(exists (select from botbox.checks c where c.bot_id = b.id and c.score is not null))
				           from botbox.bots b join botbox.instruments i on i.id = b.instrument_id
				          where i.symbol = '${market}')
				    and exists (select from botbox.positions where status = 'OPEN') as holds`,
			);
		}, 300_000);
		afterAll(async () => {
			await pool?.end();
			await installation?.remove();
		}, 120_000);

		async function holds(sql: string, ...values: unknown[]): Promise<void> {
			await vi.waitFor(async () => expect((await one(pool, sql, values)).holds, sql).toBe(true), {
				...soon,
				interval: 250,
			});
		}

		/** As `up` makes the one that it prints. */
		async function newLink(): Promise<string> {
			const code = newSecret();
			await createLoginCode(pool, { codeHash: hashToken(code), role: 'admin', actor: 'test' });
			return `${status.page}#/login/${code}`;
		}

		let walks = 0;
		interface Walk {
			readonly open: OpenPage;
			readonly name: string;
			readonly view: View;
			/** Fits its width and bars nobody, light and dark; pictures of it are kept where they are asked for. */
			look(title: string): Promise<void>;
			/** To a view as a person goes there: on a phone through the sheet, if the bar does not have it. */
			go(title: string): Promise<void>;
			panel(title: string): Locator;
		}

		/** Logged in by `link`, with an account that only this walk trades on. */
		async function walk(view: View, link: string, way: (walk: Walk) => Promise<void>): Promise<void> {
			walks += 1;
			const name = `walk ${walks}`;
			await createAccount(pool, {
				...{ name, exchangeId: 'sim', mode: 'PAPER', settleAsset: 'USDT', capital: 10_000, actor: 'test' },
			});
			const open = await openPage(link, view);
			const { page } = open;
			page.setDefaultTimeout(soon.timeout);
			try {
				await page.getByRole('button', { name: 'Log out' }).waitFor();
				await way({
					open,
					name,
					view,
					look: async (title) => {
						for (const scheme of ['dark', 'light'] as const) {
							await page.emulateMedia({ colorScheme: scheme });
							await expect.poll(() => overflow(page), { ...soon, message: title }).toBe(0);
							expect(await barriers(page), `${title}, ${scheme}`).toEqual([]);
							if (pictures.includes(title)) await keepScreenshot(page, `demo-${title}-${view.width}-${scheme}`);
						}
					},
					go: async (title) => {
						const direct = page
							.getByRole('navigation', { name: 'Views', exact: true })
							.getByRole('link', { name: title });
						if ((await direct.count()) > 0) return await direct.click();
						await page.getByRole('button', { name: 'More' }).click();
						await page.getByRole('dialog', { name: 'All views' }).getByRole('link', { name: title }).click();
					},
					panel: (title) => page.getByRole('region', { name: title, exact: true }).first(),
				});
				expect(open.complaints).toEqual([]);
				expect(open.foreign).toEqual([]);
			} finally {
				// Whatever this walk left open when it failed is not the next one's.
				await fetch(`${status.simulator}/_sim/faults`, { method: 'DELETE' });
				await resetBreaker(pool, { exchangeId: 'sim', actor: 'test' });
				await resumeEntries(pool, { scope: 'ALL', actor: 'test' });
				await open.close();
			}
		}

		/** The figures of the overview are those of the database, though it goes on changing: both are read until they agree. */
		async function seesTheDemonstration({ open: { page }, look, panel }: Walk): Promise<void> {
			const shown = async (title: string) =>
				Number(
					(await page.locator('.figure', { hasText: title }).locator('.value').textContent())?.replaceAll(',', ''),
				);
			const counted = (sql: string) => one(pool, `select (${sql})::float as n`).then(({ n }) => n);
			const agree = async (title: string, sql: string) =>
				await expect
					.poll(async () => (await shown(title)) === (await counted(sql)), { ...soon, message: title })
					.toBe(true);
			await agree('Active bots', `select count(*) from botbox.bots where status = 'ACTIVE'`);
			await agree('Open positions', `select count(*) from botbox.positions where status = 'OPEN'`);
			await agree('Workers running', `select count(*) from botbox.workers where stopped_at is null`);
			expect(await shown('Open positions')).toBeGreaterThan(0);
			await panel('Recent signals').locator('tbody tr').first().waitFor();
			for (const account of ['demo-paper', 'demo-live']) await panel('Accounts').getByText(account).waitFor();
			await panel('Exchanges').getByText('Connected').waitFor();
			await look('overview');
		}

		/** One that enters at its next check, whatever the market does: no score lies below -1. */
		async function makesABot({ open: { page }, name, go, look }: Walk): Promise<void> {
			await go('Bots');
			await page.getByRole('link', { name: 'New bot' }).click();
			await page.getByRole('button', { name: 'Create bot' }).click();
			// What the API's schema refuses is named before anything is sent.
			await page.getByText('2 fields need your attention.').waitFor();
			const field = (label: string) => page.getByLabel(label, { exact: true });
			expect(await field('Name').getAttribute('aria-invalid')).toBe('true');
			await field('Name').fill(name);
			await field('Strategy').selectOption({ label: 'Trend Following' });
			await field('Account').selectOption({ label: `${name}, PAPER` });
			await field('Market').fill(market);
			await page.getByText('perpetual settled in USDT, last').waitFor();
			await field('Checked every').selectOption('60');
			await field('Size').fill('a lot');
			await page.getByText('must be a decimal number').waitFor();
			await field('Size').fill('250');
			await field('Entry threshold').fill('0.99');
			await look('new-bot');
			await page.getByRole('button', { name: 'Create bot' }).click();
			await page.getByRole('heading', { name, level: 1 }).waitFor();
		}

		/** Its answer comes with the factors; then it is changed to enter, on whatever side the score is. */
		async function checksIt({ open: { page }, name, look }: Walk): Promise<void> {
			await page.getByRole('button', { name: 'Check now' }).click();
			await page.getByText('Checked: no signal, ').waitFor();
			const factors = page.getByRole('table', { name: 'Factors of the check' });
			await factors.waitFor();
			expect(await factors.locator('tbody tr').count()).toBe(7);
			expect(await factors.getByRole('row', { name: 'EMA cross' }).locator('td').first().textContent()).toMatch(/\d/);
			await expect.poll(() => page.locator('.chart canvas').count(), soon).toBeGreaterThan(0);
			await look('check');
			await page.getByRole('link', { name: 'Edit' }).click();
			for (const label of ['Exit threshold', 'Entry threshold'])
				await page.getByLabel(label, { exact: true }).fill('-1');
			await page.getByLabel('Favourable regimes', { exact: true }).fill('TRENDING_UP, TRENDING_DOWN, RANGING');
			await page.getByRole('button', { name: 'Save changes' }).click();
			await page.getByRole('heading', { name, level: 1 }).waitFor();
		}

		/** What was decided before `mark` may still be booked; after it nobody decided without seeing the pause. */
		async function pausesAll({ open: { page }, name, go, look }: Walk): Promise<Date> {
			await go('Overview');
			await page.getByRole('button', { name: 'Pause all' }).click();
			const dialog = page.getByRole('dialog');
			await dialog.getByLabel('Reason').fill(`a central bank speaks, ${name}`);
			await dialog.getByLabel('For').selectOption('60');
			await dialog.getByRole('button', { name: 'Pause' }).click();
			await page.getByText('All entries are paused.').waitFor();
			expect(await page.locator('.banner.warn').textContent()).toContain(`a central bank speaks, ${name}`);
			const { mark } = await one<{ mark: Date }>(pool, 'select clock_timestamp() as mark');
			await look('paused');
			await go('Bots');
			await page.getByRole('searchbox').fill(name);
			await page.getByRole('link', { name, exact: true }).click();
			await page.getByRole('button', { name: 'Check now' }).click();
			await page.getByText('Checked: rejected, ').waitFor();
			await go('Signals');
			await page.getByRole('row', { name }).getByText('Rejected').waitFor();
			return mark;
		}

		const entriesSince = (mark: Date) =>
			one(pool, `select count(*)::int as n from botbox.trade_queue where queued_at > $1 and direction <> 'CLOSE'`, [
				mark,
			]).then(({ n }) => n);

		async function resumes({ open: { page }, name, go, look, panel }: Walk): Promise<void> {
			await go('Overview');
			await page.getByRole('button', { name: 'Resume all' }).click();
			await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
			await page.getByText('All entries are paused.').waitFor({ state: 'detached' });
			await go('Bots');
			await page.getByRole('link', { name, exact: true }).click();
			await page.getByRole('button', { name: 'Check now' }).click();
			await page.getByText('Checked: queued, ').waitFor();
			await panel('Trades').getByText('Executed').waitFor();
			await panel('Positions').getByText('Long').waitFor();
			await go('Positions');
			await page.getByRole('row', { name }).waitFor();
			await look('positions');
		}

		/** The exchange fails: the worker's breaker opens by itself, and its alert is on the page without a reload. */
		async function acknowledgesAnAlert({ open: { page }, go, look }: Walk): Promise<void> {
			await go('Alerts');
			const faults = `${status.simulator}/_sim/faults`;
			await fetch(faults, { method: 'POST', body: JSON.stringify({ kind: 'http_5xx', count: 1_000 }) });
			const row = page.getByRole('row', { name: 'The breaker of sim opened' });
			await row.getByRole('button', { name: 'Acknowledge' }).click();
			await row.getByText(/^by /).waitFor();
			await look('alerts');
			await fetch(faults, { method: 'DELETE' });
			await go('Exchanges');
			await page.getByRole('button', { name: /^Reset the breaker of / }).click();
			await page.getByRole('dialog').getByRole('button', { name: 'Reset breaker' }).click();
			await page.getByText('Connected', { exact: true }).waitFor();
			await go('Alerts');
			await row.waitFor({ state: 'detached' });
		}

		async function wholeWay(steps: Walk, whilePaused: (mark: Date) => Promise<void>): Promise<void> {
			await seesTheDemonstration(steps);
			await makesABot(steps);
			await checksIt(steps);
			const mark = await pausesAll(steps);
			await whilePaused(mark);
			expect(await entriesSince(mark)).toBe(0);
			await resumes(steps);
			expect(await entriesSince(mark)).toBeGreaterThan(0);
			await acknowledgesAnAlert(steps);
		}

		test('walks at 1440 px, from the link that was printed, through a whole round of scheduled checks without an entry', async () => {
			await walk(desktop, loginLink(running).url, async (steps) => {
				await wholeWay(steps, async (mark) => {
					await holds(
						`select bool_and(exists (
					   select from botbox.checks c where c.bot_id = b.id and c.kind = 'SCHEDULED' and c.due_at > $1)) as holds
					   from botbox.bots b where b.interval_minutes = 1 and b.status = 'ACTIVE'`,
						mark,
					);
				});
				const { page } = steps.open;
				await page.getByRole('button', { name: 'Log out' }).click();
				await page.getByRole('button', { name: 'Log in' }).waitFor();
				expect(await page.getByRole('button', { name: /^Acknowledge / }).count()).toBe(0);
			});
		});

		test('walks at 390 px', async () => {
			await walk(phone, await newLink(), async (steps) => await wholeWay(steps, async () => {}));
		});
	},
);
