/** Every way in which a process of botbox starts gives its Node the same flags: its memory is bounded by them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodeFlags } from '../../src/cli/node-flags.ts';
import { repository } from '../support/script.ts';

const read = (name: string): string => readFileSync(join(repository, name), 'utf8');
const flags = nodeFlags.join(' ');

test('started by its name, as npx, an image and a service do', () => {
	expect(read('bin/botbox.js').split('\n')[0]).toBe(`#!/usr/bin/env -S node ${flags}`);
});

test('started by an older Node, which hands over', () => {
	const list = nodeFlags.map((flag) => `'${flag}'`).join(', ');
	expect(read('bin/botbox.js')).toContain(`const flags = [${list}];`);
});

test('started by a script of package.json', () => {
	const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
	expect(scripts).toMatchObject({ botbox: `node ${flags} src/cli.ts`, start: `node ${flags} src/cli.ts up` });
});

test('an image has two arenas of malloc', () => {
	expect(read('Dockerfile')).toMatch(/^ {4}MALLOC_ARENA_MAX=2 \\$/m);
});
