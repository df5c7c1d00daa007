/** How far a long command is, on stderr: one line that is written over on a terminal, a line every few seconds elsewhere. */

export interface Progress {
	/** `share` from 0 to 1; `count` of `unit` so far. */
	update(share: number, count: number): void;
	/** Writes a line of its own, as about a bad row, and goes on below it. */
	say(line: string): void;
	end(): void;
}

const terminalMs = 200;
const logMs = 3_000;

export function showProgress(title: string, unit: string): Progress {
	const { stderr } = process;
	const isTerminal = stderr.isTTY === true;
	const startedAt = performance.now();
	let shownAt = Number.NEGATIVE_INFINITY;
	let shown = '';
	let latest = '';

	const show = (): void => {
		shownAt = performance.now();
		if (latest === shown) return;
		stderr.write(isTerminal ? `\r\u001b[K${latest}` : `${latest}\n`);
		shown = latest;
	};
	return {
		update(share, count) {
			const now = performance.now();
			const rate = Math.round(count / Math.max((now - startedAt) / 1_000, 0.001));
			latest = `${title}: ${Math.floor(Math.min(share, 1) * 100)}%, ${count} ${unit}, ${rate} a second`;
			if (now - shownAt >= (isTerminal ? terminalMs : logMs)) show();
		},
		say(line) {
			stderr.write(isTerminal && shown !== '' ? `\r\u001b[K${line}\n` : `${line}\n`);
			if (isTerminal) shown = '';
		},
		end() {
			if (latest !== '') show();
			if (isTerminal && shown !== '') stderr.write('\n');
		},
	};
}
