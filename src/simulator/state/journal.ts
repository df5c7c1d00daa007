/**
 * The state's durability: every change is one line appended to `journal.ndjson` before it is answered; when the journal
 * has grown it is folded into `snapshot.json`. A kill between any two instructions loses nothing that was answered: a torn
 * last line was never answered and is cut off, and lines that the snapshot already holds are known by their number.
 */
import {
	closeSync,
	existsSync,
	ftruncateSync,
	mkdirSync,
	openSync,
	readFileSync,
	renameSync,
	writeFileSync,
	writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { errorMessage, UsageError } from '../../errors.ts';

interface Numbered<Change> {
	readonly number: number;
	readonly change: Change;
}

/** 16 MB of journal replay in under half a second. */
const compactBytes = 16 * 1024 * 1024;

export class Journal<Change> {
	private readonly snapshotFile: string;
	private readonly descriptor: number;
	private number = 0;
	private bytes = 0;

	/** Opens the folder and replays what it holds, oldest change first. */
	constructor(folder: string, replay: (change: Change) => void) {
		mkdirSync(folder, { recursive: true });
		this.snapshotFile = join(folder, 'snapshot.json');
		const journalFile = join(folder, 'journal.ndjson');
		if (existsSync(this.snapshotFile)) {
			const snapshot = parse<Change>(readFileSync(this.snapshotFile, 'utf8'), this.snapshotFile);
			this.number = snapshot.number;
			replay(snapshot.change);
		}
		const text = existsSync(journalFile) ? readFileSync(journalFile, 'utf8') : '';
		const whole = text.slice(0, text.lastIndexOf('\n') + 1);
		for (const line of whole.split('\n')) {
			if (line === '') continue;
			const entry = parse<Change>(line, journalFile);
			if (entry.number <= this.number) continue;
			this.number = entry.number;
			replay(entry.change);
		}
		this.descriptor = openSync(journalFile, 'a');
		this.bytes = Buffer.byteLength(whole);
		ftruncateSync(this.descriptor, this.bytes);
	}

	/** Writes one change; `state` makes the whole state when it is time to fold the journal into a snapshot. */
	append(change: Change, state: () => Change): void {
		this.number += 1;
		const line = Buffer.from(`${JSON.stringify({ number: this.number, change })}\n`);
		for (let written = 0; written < line.length; ) written += writeSync(this.descriptor, line, written);
		this.bytes += line.length;
		if (this.bytes < compactBytes) return;
		writeFileSync(`${this.snapshotFile}.new`, JSON.stringify({ number: this.number, change: state() }));
		renameSync(`${this.snapshotFile}.new`, this.snapshotFile);
		ftruncateSync(this.descriptor, 0);
		this.bytes = 0;
	}

	close(): void {
		closeSync(this.descriptor);
	}
}

/** Only a torn last line is expected, and cut off before this; anything else is somebody's editing. */
function parse<Change>(text: string, file: string): Numbered<Change> {
	try {
		return JSON.parse(text) as Numbered<Change>;
	} catch (error) {
		throw new UsageError(`${file}: is damaged (${errorMessage(error)}); remove its folder to begin anew`);
	}
}
