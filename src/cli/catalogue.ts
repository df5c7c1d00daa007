/** The strategies that a command may name: botbox's own and those of BOTBOX_STRATEGIES. */
import type { Config } from '../config.ts';
import { UsageError } from '../errors.ts';
import { type Catalogue, openCatalogue } from '../sandbox/catalogue.ts';
import type { StrategyInfo } from '../strategies/catalogue.ts';

/** A catalogue for one command; files are loaded only when a strategy is asked for that botbox does not ship. */
export async function withCatalogue<T>(config: Config, work: (catalogue: Catalogue) => Promise<T>): Promise<T> {
	const catalogue = openCatalogue({
		folder: config.strategiesDir,
		// What a user's code prints must not get into what this command prints.
		onOutput: (file, line) => process.stderr.write(`${file}: ${line}\n`),
	});
	try {
		return await work(catalogue);
	} finally {
		await catalogue.close();
	}
}

/** Throws UsageError that names the files that could not be loaded, since the strategy may be one of theirs. */
export async function existingStrategy(catalogue: Catalogue, name: string): Promise<StrategyInfo> {
	const strategy = await catalogue.find(name);
	if (strategy !== null) return strategy;
	const faults = await catalogue.faults();
	const hint = faults.map(({ file, message }) => `; ${file} could not be loaded: ${message}`).join('');
	throw new UsageError(`there is no strategy ${name}${hint}`);
}
