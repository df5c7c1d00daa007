// `botbox/strategy` outside botbox's own threads, such as in a user's tests: the TypeScript of a clone, the JavaScript of the
// published package. `test/sandbox/public.test.ts` holds this list to src/strategies/public.ts.
import { existsSync } from 'node:fs';

const source = new URL('../src/strategies/public.ts', import.meta.url);
const built = new URL('../dist/strategies/public.js', import.meta.url);

export const {
	checkBelow,
	checkScored,
	defineStrategy,
	factors,
	historyOf,
	indicatorHistory,
	intervals,
	maxBack,
	prepareScored,
	regimeDirections,
	scoredFields,
	timeframeMs,
	timeframes,
	z,
} = await import(existsSync(source) ? source.href : built.href);
