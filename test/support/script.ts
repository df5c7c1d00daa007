/** Small scripts in processes of their own: for what must be shown with real processes, users and signals. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');

export interface Script {
	readonly child: ChildProcessWithoutNullStreams;
	/** The first line, of those said so far or later, that equals or matches. Rejects when the script ends without it. */
	line(wanted: string | RegExp): Promise<string>;
	readonly exit: Promise<{ code: number | null; output: string }>;
}

export interface ScriptOptions {
	/** Where botbox's modules are imported from; by default this repository. */
	readonly root?: string;
	/** By default the Node of this process. */
	readonly node?: string;
	readonly uid?: number;
	readonly gid?: number;
	readonly cwd?: string;
}

/** Runs module code on the Node of this process; `botbox:src/...` in it is a file of the repository. */
export function startScript(
	code: string,
	env: Readonly<Record<string, string>>,
	{ root = repository, node = process.execPath, ...options }: ScriptOptions = {},
): Script {
	const child = spawn(node, ['--input-type=module', '--eval', code.replaceAll('botbox:', `file://${root}/`)], {
		env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', ...env },
		stdio: 'pipe',
		...options,
	});
	const lines: string[] = [];
	const waiting = new Set<() => void>();
	const wake = () => {
		for (const check of waiting) check();
	};
	let ended = false;
	for (const stream of [child.stdout, child.stderr]) {
		createInterface({ input: stream }).on('line', (line) => {
			lines.push(line);
			wake();
		});
	}
	const exit = once(child, 'close').then(([code]) => {
		ended = true;
		wake();
		return { code: code as number | null, output: lines.join('\n') };
	});
	const line = (wanted: string | RegExp) =>
		new Promise<string>((resolve, reject) => {
			const check = () => {
				const found = lines.find((said) => (typeof wanted === 'string' ? said === wanted : wanted.test(said)));
				if (found === undefined && !ended) return;
				waiting.delete(check);
				if (found !== undefined) resolve(found);
				else reject(new Error(`the script ended without saying ${wanted}; it said:\n${lines.join('\n')}`));
			};
			waiting.add(check);
			check();
		});
	return { child, line, exit };
}

export async function runScript(
	code: string,
	env: Readonly<Record<string, string>>,
	options: ScriptOptions = {},
): Promise<{ code: number | null; output: string }> {
	const script = startScript(code, env, options);
	script.child.stdin.end();
	return await script.exit;
}
