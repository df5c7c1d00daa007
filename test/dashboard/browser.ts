/** Debian's chromium, driven through playwright-core; what it says and asks for is kept for the test to look at. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll } from 'vitest';

const executablePath = process.env.BOTBOX_TEST_CHROMIUM ?? '/usr/bin/chromium';
export const hasChromium = existsSync(executablePath);

/** Without it the tests are skipped and say so; where it is required its absence is a failure. */
export function requireChromium(): void {
	if (hasChromium) return;
	if (process.env.BOTBOX_TEST_REQUIRE_CHROMIUM === '1') throw new Error(`there is no ${executablePath}`);
	console.warn(`the page is not tested: there is no ${executablePath} (apt-get install chromium)`);
}

export interface View {
	readonly width: number;
	readonly height: number;
	readonly scheme: 'light' | 'dark';
}

export const desktop: View = { width: 1440, height: 900, scheme: 'light' };
export const phone: View = { width: 390, height: 844, scheme: 'light' };

export interface OpenPage {
	readonly page: Page;
	/** Errors and warnings of the console, and uncaught exceptions. */
	readonly complaints: string[];
	/** Addresses that lie beyond the page's own origin. */
	readonly foreign: string[];
	close(): Promise<void>;
}

/** One browser for all tests of a file: starting it takes longer than most of them. */
let browser: Promise<Browser> | undefined;
afterAll(async () => {
	await (await browser)?.close();
	browser = undefined;
});
const started = (): Promise<Browser> =>
	chromium.launch({
		executablePath,
		headless: true,
		args: [
			'--no-sandbox',
			'--disable-gpu',
			'--disable-background-networking',
			'--disable-component-update',
			'--disable-sync',
			'--no-first-run',
		],
	});

/** A window at `url` that knows nothing of those before it: neither their cookies nor what they kept. */
export async function openPage(url: string, view: View): Promise<OpenPage> {
	browser ??= started();
	const context = await (await browser).newContext({
		viewport: { width: view.width, height: view.height },
		colorScheme: view.scheme,
		reducedMotion: 'reduce',
	});
	const page = await context.newPage();
	const complaints: string[] = [];
	const foreign: string[] = [];
	page.on('console', (message) => {
		if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
	});
	page.on('pageerror', (error) => complaints.push(String(error)));
	const { origin } = new URL(url);
	page.on('request', (request) => {
		if (new URL(request.url()).origin !== origin) foreign.push(request.url());
	});
	await page.goto(url);
	return {
		page,
		complaints,
		foreign,
		close: () => context.close(),
	};
}

/**
 * Kept in `docs/images` or where BOTBOX_TEST_SCREENSHOTS says, if it says so: as much as one sees at once, of a modest size.
 */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
	const folder = process.env.BOTBOX_TEST_SCREENSHOTS;
	if (folder === undefined) return;
	await mkdir(folder, { recursive: true });
	await page.screenshot({ path: join(folder, `${name}.png`) });
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds that keeps somebody from using the page, as lines to read; colours are measured in contrast.test.ts too. */
export async function barriers(page: Page): Promise<string[]> {
	// Evaluated by the debugger: the page's own policy admits no foreign script.
	await page.evaluate(axeSource);
	const found = await page.evaluate<Barrier[]>(
		"axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)",
	);
	return found
		.filter(({ impact }) => impact === 'serious' || impact === 'critical')
		.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
}

interface Barrier {
	readonly id: string;
	readonly impact: string | null;
	readonly help: string;
	readonly nodes: readonly { readonly target: readonly string[] }[];
}

/** Pixels by which the page is wider than its window: nothing may be out of sight to the right. */
export const overflow = (page: Page): Promise<number> =>
	page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
