/**
 * Rows as the API answers them: the columns of the reporting views, in their own names. Money and quantities are decimal
 * strings, times ISO 8601 in UTC. Only the columns that the page shows; test/dashboard/rows.ts holds them to the views.
 */
export type * from './rows/bots.ts';
export type * from './rows/execution.ts';
export type * from './rows/market.ts';
export type * from './rows/operation.ts';
export type * from './rows/words.ts';
