import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DockerfileParser, type From } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';
import { expect, test } from 'vitest';
import { readDocument } from '../docs/markdown.ts';
import { repository } from '../support/script.ts';

const text = readDocument('Dockerfile');
const instructions = DockerfileParser.parse(text).getInstructions();
const named = (keyword: string) => instructions.filter((instruction) => instruction.getKeyword() === keyword);
const stages = named('FROM') as From[];
const afterLastFrom = instructions.slice(instructions.indexOf(stages.at(-1)!));

test('the Dockerfile has no fault', () => {
	expect(validate(text)).toEqual([]);
});

test('two stages on the slim image of Node 24', () => {
	expect(stages.map((stage) => stage.getImage())).toEqual(['node:24-slim', 'node:24-slim']);
});

test('the image runs botbox as an ordinary user', () => {
	const users = afterLastFrom.filter((instruction) => instruction.getKeyword() === 'USER');
	expect(users.map((user) => user.getArgumentsContent())).toEqual(['node']);
	// Nothing is done as that user that only root could do, and nothing runs as root after it.
	const last = afterLastFrom.map((instruction) => instruction.getKeyword());
	expect(last.lastIndexOf('USER')).toBeGreaterThan(Math.max(last.lastIndexOf('RUN'), last.lastIndexOf('COPY')));
	expect(named('ENTRYPOINT')[0]?.getArgumentsContent()).toBe('["botbox"]');
});

test('development packages stay in the build stage', () => {
	const runs = named('RUN').map((run) => run.getArgumentsContent() ?? '');
	expect(runs.findIndex((run) => run.startsWith('npm ci'))).toBeLessThan(
		runs.findIndex((run) => run.includes('npm prune --omit=dev')),
	);
	const copies = afterLastFrom.filter((instruction) => instruction.getKeyword() === 'COPY');
	for (const copy of copies) expect(copy.getArgumentsContent()).not.toMatch(/\s\.\s|\.git|\.env/);
});

test('no secret is built in', () => {
	for (const instruction of [...named('ENV'), ...named('ARG')]) {
		expect(instruction.getArgumentsContent()).not.toMatch(/PASSWORD|SECRET|TOKEN|MASTER_KEY|DATABASE_URL/i);
	}
});

test('.dockerignore lets in only what the image is made of, and all of that exists', () => {
	const lines = readDocument('.dockerignore')
		.split('\n')
		.filter((line) => line !== '' && !line.startsWith('#'));
	expect(lines[0]).toBe('*');
	const allowed = lines.slice(1).map((line) => line.replace(/^!/, ''));
	expect(lines.slice(1).every((line) => line.startsWith('!'))).toBe(true);
	expect(allowed.filter((path) => !existsSync(join(repository, path)))).toEqual([]);
	expect(allowed).not.toContain('.env');
});
