/** Public market data for a command: no account is opened, so no key is needed. */
import type { Config } from '../config.ts';
import { listView } from '../database/listing.ts';
import type { Pool } from '../database/pool.ts';
import type { Venues } from '../exchange/registry.ts';
import { createLogger } from '../logger.ts';

export async function openVenues(pool: Pool, config: Config): Promise<Venues> {
	const { createVenues } = await import('../exchange/registry.ts');
	const log = createLogger({ level: 'silent', name: 'cli' });
	return createVenues({ pool, workerId: 'cli', log, masterKey: '', liveAccounts: config.liveAccounts });
}

/** Workers refresh the markets of exchanges that bots are on; whoever is first on an exchange needs its list before that. */
export async function ensureMarkets(pool: Pool, config: Config, exchangeId: string): Promise<void> {
	// Instruments made for recorded candles are on no list, and trade nothing.
	const where = { exchange_id: exchangeId, is_trading: true };
	if ((await listView(pool, 'instruments', { where, limit: 1 })).length > 0) return;
	const { recordMarkets } = await import('../workers/refresh-markets.ts');
	await recordMarkets({ pool, venues: await openVenues(pool, config) }, exchangeId);
}
