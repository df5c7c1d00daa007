/** Text can be read: WCAG AA, 4.5 to 1, for every colour of text on every ground it stands on, light and dark. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const css = readFileSync(new URL('../../src/dashboard/styles/base.css', import.meta.url), 'utf8');
const texts = ['text', 'muted', 'accent', 'gain', 'loss', 'warn'] as const;
const grounds = ['page', 'panel', 'raised'] as const;

type Rgb = readonly [number, number, number];
type Palette = Readonly<Record<string, string>>;

const [light = {}, dark = {}] = [...css.matchAll(/:root \{([^}]*)\}/g)].map(
	([, body = '']): Palette =>
		Object.fromEntries([...body.matchAll(/--([\w-]+): ([^;]+);/g)].map(([, name, value]) => [name, value])),
);

test.each([
	['light', light],
	['dark', dark],
])('%s', (_scheme, palette) => {
	const low: string[] = [];
	const look = (name: string, text: Rgb, ground: Rgb): void => {
		const ratio = contrast(text, ground);
		if (!(ratio >= 4.5)) low.push(`${name}: ${ratio.toFixed(2)}`);
	};
	const tint = Number.parseFloat(palette.tint ?? '') / 100;
	for (const text of texts) {
		const colour = rgb(palette[text]);
		for (const ground of grounds) look(`${text} on ${ground}`, colour, rgb(palette[ground]));
		// A badge stands on a tint of its own colour.
		for (const ground of ['panel', 'raised'] as const) {
			look(`${text} badge on ${ground}`, colour, mix(colour, rgb(palette[ground]), tint));
		}
	}
	look('accent button', rgb(palette['on-accent']), rgb(palette.accent));
	expect(low).toEqual([]);
});

function rgb(hex: string | undefined): Rgb {
	const [, r = '', g = '', b = ''] = /^#(..)(..)(..)$/.exec(hex ?? '') ?? [];
	return [Number.parseInt(r, 16), Number.parseInt(g, 16), Number.parseInt(b, 16)];
}

function mix(top: Rgb, ground: Rgb, share: number): Rgb {
	const [r, g, b] = top.map((value, i) => value * share + (ground[i] ?? 0) * (1 - share));
	return [r ?? 0, g ?? 0, b ?? 0];
}

function contrast(a: Rgb, b: Rgb): number {
	const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
	return ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05);
}

/** As WCAG 2 defines it. */
function luminance(colour: Rgb): number {
	const [r, g, b] = colour.map((value) => {
		const part = value / 255;
		return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
	});
	return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
}
