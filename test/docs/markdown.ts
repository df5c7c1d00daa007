/** Reading our own documents: tables, sections and code font. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../support/script.ts';

export function readDocument(path: string): string {
	return readFileSync(join(repository, path), 'utf8');
}

/** The rows of the first table whose header begins with these columns; cells without surrounding spaces. */
export function tableOf(text: string, ...columns: readonly string[]): string[][] {
	const lines = text.split('\n');
	const start = lines.findIndex((line) => line.startsWith(`| ${columns.join(' | ')} |`));
	if (start === -1) return [];
	const end = lines.findIndex((line, i) => i > start && !line.startsWith('|'));
	return lines.slice(start + 2, end === -1 ? undefined : end).map(cellsOf);
}

function cellsOf(line: string): string[] {
	return line
		.split(/(?<!\\)\|/)
		.slice(1, -1)
		.map((cell) => cell.trim());
}

/** Text under each heading of a level, by heading. */
export function sectionsOf(text: string, level: number): ReadonlyMap<string, string> {
	const marks = '#'.repeat(level);
	const parts = text.split(new RegExp(`^${marks} (?=[^#])`, 'm')).slice(1);
	return new Map(
		parts.map((part) => {
			const [heading = '', ...rest] = part.split('\n');
			// A heading of a higher level ends the section.
			const end = rest.findIndex((line) => new RegExp(`^#{1,${level}} `).test(line));
			return [heading.trim(), rest.slice(0, end === -1 ? undefined : end).join('\n')];
		}),
	);
}

/** What stands in code font, code blocks left out. */
export function codeWordsOf(text: string): string[] {
	const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '');
	return [...prose.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');
}
