/**
 * `botbox/strategy`: all that a file with a strategy of one's own imports. `z` is botbox's own zod, since a schema of another
 * copy would not be one of ours.
 */

export { z } from 'zod';
export type * from '../domain.ts';
export { intervals, regimeDirections, timeframeMs, timeframes } from '../domain.ts';
export type * from './define.ts';
export { defineStrategy } from './define.ts';
export * as factors from './factors/index.ts';
export { historyOf, indicatorHistory, maxBack } from './history.ts';
export { checkBelow, checkScored, prepareScored, type ScoredParameters, scoredFields } from './scored.ts';
export type * from './strategy.ts';
