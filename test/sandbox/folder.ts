/** Folders of users' files, outside of the project. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { repository } from '../support/script.ts';

/** A new folder with these files and `docs/examples/*` of these names; gone when the test is. */
export async function makeFolder(
	files: Readonly<Record<string, string>>,
	examples: readonly string[] = [],
): Promise<string> {
	const folder = await mkdtemp(join(tmpdir(), 'botbox-own-'));
	onTestFinished(() => rm(folder, { recursive: true }));
	await fill(folder, files, examples);
	return folder;
}

export async function fill(
	folder: string,
	files: Readonly<Record<string, string>>,
	examples: readonly string[] = [],
): Promise<void> {
	await Promise.all([
		...Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text)),
		...examples.map((name) => cp(join(repository, 'docs', 'examples', name), join(folder, name))),
	]);
}

/** A strategy `name` whose `decide` has this body; `parameters` is an object literal of zod fields. */
export function strategyFile(name: string, body: string, parameters = '{}', before = ''): string {
	return `
import { defineStrategy, z } from 'botbox/strategy';
${before}
export default defineStrategy({
	id: 'T-${name}',
	name: '${name}',
	title: 'Test ${name}',
	defaultInterval: 1,
	parameters: z.strictObject(${parameters}),
	needs: () => ({ timeframe: '1m' }),
	decide(view, position, parameters, nowMs) {
		${body}
	},
});
`;
}
