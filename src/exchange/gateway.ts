/** What the rest of botbox uses of the exchange layer. */
export type { AccountRow, ExchangeRow, GatewayContext, Timings } from './context.ts';
export { type Credentials, decryptCredentials, encryptCredentials } from './credentials.ts';
export { createVenues, type Venues } from './registry.ts';
