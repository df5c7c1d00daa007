/**
 * Botbox's own strategies and those of the user's folder, as one catalogue. The user's files are read once and run in threads
 * only; one that cannot be loaded is named with its reason, and the others serve.
 */
import { BotboxError } from '../errors.ts';
import {
	type StrategyCatalogue,
	type StrategyElsewhere,
	type StrategyFault,
	type StrategyInfo,
	shippedStrategies,
} from '../strategies/catalogue.ts';
import { findStrategy, strategies } from '../strategies/registry.ts';
import { checkDataOf } from './check-data.ts';
import { readStrategyFiles, type StrategyFile } from './files.ts';
import { descriptionSchema, evaluationSchema, infoSchema, parametersSchema, parseAnswer } from './protocol.ts';
import { defaultLimits, StrategyThread, type ThreadLimits } from './strategy-thread.ts';

export interface OwnStrategy {
	readonly info: StrategyInfo;
	readonly file: StrategyFile;
}

export interface CatalogueOptions {
	/** BOTBOX_STRATEGIES; null: botbox's own strategies alone. */
	readonly folder: string | null;
	readonly limits?: Partial<ThreadLimits>;
	/** Told what the user's code prints, with the name of its file. */
	readonly onOutput?: (file: string, line: string) => void;
}

export interface Catalogue extends StrategyCatalogue {
	/** The user's strategy of this id or name; null also for botbox's own. */
	own(idOrName: string): Promise<OwnStrategy | null>;
	/** A thread of the strategy's file, apart from those that answer `parse` and `describe`; whoever makes it ends it. */
	startThread(strategy: OwnStrategy): StrategyThread;
	/** The user's strategy with these parameters, to be evaluated now and then rather than by a worker; null for botbox's own and unknown ones. */
	elsewhere(idOrName: string, parameters: unknown): Promise<StrategyElsewhere | null>;
	/** How long one answer may take, ms. */
	readonly limitMs: number;
	/** Ends the catalogue's threads. */
	close(): Promise<void>;
}

interface Loaded {
	readonly own: readonly OwnStrategy[];
	readonly faults: readonly StrategyFault[];
}

/** Files that are loaded at the same moment. */
const loadedAtOnce = 4;

export function openCatalogue(options: CatalogueOptions): Catalogue {
	const limits = { ...defaultLimits, ...options.limits };
	const threads = new Map<string, StrategyThread>();
	let loading: Promise<Loaded> | undefined;
	const load = async (): Promise<Loaded> => {
		loading ??= loadFolder();
		return await loading;
	};

	async function loadFolder(): Promise<Loaded> {
		if (options.folder === null) return { own: [], faults: [] };
		const { files, faults: unread } = await readStrategyFiles(options.folder);
		const own: OwnStrategy[] = [];
		const faults: StrategyFault[] = [...unread];
		const queue = [...files];
		const loadNext = async (): Promise<void> => {
			for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
				try {
					const info = parseAnswer(infoSchema, await threadOf(file).info(), file.name);
					own.push({ info: { ...info, file: file.name }, file });
				} catch (error) {
					faults.push({ file: file.name, message: messageOf(error, file.name) });
				}
			}
		};
		await Promise.all(Array.from({ length: loadedAtOnce }, loadNext));
		own.sort((a, b) => a.file.name.localeCompare(b.file.name));
		const unique = own.filter((strategy) => {
			const clash = clashOf(strategy, own);
			if (clash !== null) faults.push({ file: strategy.file.name, message: clash });
			return clash === null;
		});
		return { own: unique, faults: faults.sort((a, b) => a.file.localeCompare(b.file)) };
	}

	function newThread(file: StrategyFile): StrategyThread {
		return new StrategyThread({
			name: file.name,
			data: { path: file.path, source: file.source },
			limits,
			onOutput: (line) => options.onOutput?.(file.name, line),
		});
	}

	function threadOf(file: StrategyFile): StrategyThread {
		const thread = threads.get(file.name) ?? newThread(file);
		threads.set(file.name, thread);
		return thread;
	}

	async function own(idOrName: string): Promise<OwnStrategy | null> {
		if (findStrategy(idOrName) !== null) return null;
		return (await load()).own.find(({ info }) => info.id === idOrName || info.name === idOrName) ?? null;
	}

	/** Null: one of botbox's own. */
	async function existingOwn(idOrName: string): Promise<OwnStrategy | null> {
		if (findStrategy(idOrName) !== null) return null;
		return (await own(idOrName)) ?? refuseUnknown(idOrName, await load());
	}

	return {
		limitMs: limits.limitMs,
		own,
		startThread: ({ file }) => newThread(file),
		list: async () => [...(await shippedStrategies.list()), ...(await load()).own.map(({ info }) => info)],
		faults: async () => (await load()).faults,
		find: async (idOrName) => (await own(idOrName))?.info ?? (await shippedStrategies.find(idOrName)),
		parse: async (idOrName, parameters) => {
			const strategy = await existingOwn(idOrName);
			if (strategy === null) return await shippedStrategies.parse(idOrName, parameters);
			const answer = await threadOf(strategy.file).ask(() => ({ kind: 'parse', parameters }));
			return parseAnswer(parametersSchema, answer, `parameters of ${strategy.info.name}`);
		},
		describe: async (idOrName, parameters) => {
			const strategy = await existingOwn(idOrName);
			if (strategy === null) return await shippedStrategies.describe(idOrName, parameters);
			const answer = await threadOf(strategy.file).ask(() => ({ kind: 'describe', parameters }));
			return parseAnswer(descriptionSchema, answer, strategy.info.name);
		},
		elsewhere: async (idOrName, parameters) => {
			const strategy = await own(idOrName);
			if (strategy === null) return null;
			const thread = threadOf(strategy.file);
			const answer = await thread.ask(() => ({ kind: 'describe', parameters }));
			const description = parseAnswer(descriptionSchema, answer, strategy.info.name);
			return {
				description,
				evaluate: async (view, position, nowMs) => {
					const check = checkDataOf(view, { parameters, ...description }, position, nowMs);
					return parseAnswer(evaluationSchema, await thread.ask(() => ({ kind: 'evaluate', check })), 'evaluation');
				},
			};
		},
		close: async () => {
			await Promise.all([...threads.values()].map((thread) => thread.end()));
		},
	};
}

/** Both of two that clash are refused: which one bots should have is not for the order of file names to say. */
function clashOf({ info, file }: OwnStrategy, all: readonly OwnStrategy[]): string | null {
	if (/^ST-\d/i.test(info.id)) return `its id ${info.id} is of the kind that botbox keeps for its own strategies`;
	const words = [info.id, info.name];
	const shipped = strategies.find(({ id, name }) => words.includes(id) || words.includes(name));
	if (shipped !== undefined) return `its id ${info.id} or name ${info.name} is that of botbox's own ${shipped.title}`;
	const other = all.find(
		(candidate) =>
			candidate.file !== file && (words.includes(candidate.info.id) || words.includes(candidate.info.name)),
	);
	return other === undefined ? null : `its id ${info.id} or name ${info.name} is also that of ${other.file.name}`;
}

function refuseUnknown(idOrName: string, { own, faults }: Loaded): never {
	const known = [...strategies, ...own.map(({ info }) => info)].map(({ name }) => name).join(', ');
	const failed = faults.map(({ file }) => file).join(', ');
	const hint = failed === '' ? '' : `; not loaded (botbox strategies list says why): ${failed}`;
	throw new BotboxError('STRATEGY_NOT_FOUND', `no strategy is called ${idOrName}; there are ${known}${hint}`);
}

/** The file is named beside it already. */
function messageOf(error: unknown, file: string): string {
	const message = error instanceof Error ? error.message : String(error);
	return message.startsWith(`${file}: `) ? message.slice(file.length + 2) : message;
}
