/** Worker processes that are killed and replaced. */
import { type BotboxProcess, type Exit, type LogLine, readComplaints, startBotbox } from './processes.ts';
import type { Random } from './random.ts';
import type { Stage } from './stage.ts';

export interface Crew {
	/** kill -9 of one at random; another takes its place at once. */
	killOne(random: Random): void;
	readonly kills: number;
	/** Workers that ended without having been killed. */
	readonly deserters: readonly string[];
	/** Warnings and errors in the logs of all workers, alive or not. */
	complaints(): LogLine[];
	readonly present: readonly BotboxProcess[];
	/** SIGTERM to all; how each ended and how long the last one took. */
	dismiss(): Promise<{ exits: readonly Exit[]; tookMs: number }>;
}

/** A worker may take 20 s to end; one that takes longer is killed. */
const patienceMs = 25_000;

export function gatherCrew(stage: Stage, size: number, databaseUrlOf?: (worker: number) => string): Crew {
	const present: BotboxProcess[] = [];
	const everyone: BotboxProcess[] = [];
	const expected = new Set<BotboxProcess>();
	const deserters: string[] = [];
	let kills = 0;
	const hire = (): BotboxProcess => {
		const worker = startBotbox({
			name: `worker-${everyone.length + 1}`,
			args: ['worker'],
			env: { ...stage.env, ...(databaseUrlOf === undefined ? {} : { DATABASE_URL: databaseUrlOf(everyone.length) }) },
			dir: stage.dir,
		});
		everyone.push(worker);
		void worker.exit.then(({ code, signal }) => {
			if (!expected.has(worker))
				deserters.push(`${worker.name} ended with ${signal ?? code}; its log: ${worker.logPath}`);
		});
		return worker;
	};
	for (let i = 0; i < size; i += 1) present.push(hire());

	return {
		present,
		deserters,
		get kills() {
			return kills;
		},
		killOne: (random) => {
			const victim = random.pick(present);
			expected.add(victim);
			victim.kill('SIGKILL');
			kills += 1;
			present[present.indexOf(victim)] = hire();
		},
		complaints: () => everyone.flatMap(({ logPath }) => readComplaints(logPath)),
		dismiss: async () => {
			const begun = Date.now();
			for (const worker of present) {
				expected.add(worker);
				worker.kill('SIGTERM');
			}
			const timer = setTimeout(() => {
				for (const worker of present) worker.kill('SIGKILL');
			}, patienceMs);
			const exits = await Promise.all(present.map(({ exit }) => exit));
			clearTimeout(timer);
			return { exits, tookMs: Date.now() - begun };
		},
	};
}
