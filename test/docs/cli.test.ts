import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { buildProgram } from '../../src/cli.ts';
import { readDocument, sectionsOf, tableOf } from './markdown.ts';

const commands = leaves(buildProgram());
const sections = sectionsOf(readDocument('docs/cli.md'), 3);

test('docs/cli.md has a section for every command, and no other', () => {
	expect([...sections.keys()].sort()).toEqual(commands.map((command) => `\`${usage(command)}\``).sort());
});

test.each(commands.map((command) => [usage(command), command] as const))(
	'%s: description and options',
	(name, command) => {
		const section = sections.get(`\`${name}\``) ?? '';
		const description = command.description();
		expect(section.trim().split('\n')[0]).toBe(`${description.charAt(0).toUpperCase()}${description.slice(1)}.`);
		expect(tableOf(section, 'option', 'default', 'meaning')).toEqual(
			command.options.map((option) => {
				const choices = option.argChoices === undefined ? '' : ` (${option.argChoices.join(', ')})`;
				return [`\`${option.flags}\``, option.mandatory ? 'required' : defaultOf(option), option.description + choices];
			}),
		);
	},
);

test('every command that the README shows exists, with these options', () => {
	const shown = [...readDocument('README.md').matchAll(/`(botbox [^`]+)`/g)].map((match) => match[1] ?? '');
	expect(shown.length).toBeGreaterThan(10);
	for (const line of shown.filter((text) => !text.includes('<command>'))) {
		const command = commands.find((known) => `${line} `.startsWith(`${pathOf(known)} `));
		expect(command, line).toBeDefined();
		for (const [flag] of line.matchAll(/--[a-z-]+/g)) {
			expect(
				command?.options.map((option) => option.long),
				line,
			).toContain(flag);
		}
	}
});

function leaves(command: Command): Command[] {
	return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

function pathOf(command: Command): string {
	return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function usage(command: Command): string {
	return [pathOf(command), ...command.registeredArguments.map((argument) => `<${argument.name()}>`)].join(' ');
}

function defaultOf({ defaultValue, negate }: Command['options'][number]): string {
	if (defaultValue === undefined || negate) return '';
	if (Array.isArray(defaultValue)) return `\`${defaultValue.join(',')}\``;
	return `\`${typeof defaultValue === 'object' ? JSON.stringify(defaultValue) : String(defaultValue)}\``;
}
