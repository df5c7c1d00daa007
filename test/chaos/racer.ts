/** A worker process of the drill `races`: decides the shares that come over its IPC channel, one connection for all. */
import { createPool } from '../../src/database/pool.ts';
import { type RaceShare, runShare } from '../support/entry-race.ts';

const pool = createPool({ url: process.env.DATABASE_URL ?? '', max: 1, applicationName: 'botbox racer' });
process.on('message', (share: RaceShare) => {
	runShare(pool, share).then(
		(reasons) => process.send?.({ reasons }),
		(error: unknown) => process.send?.({ error: String(error) }),
	);
});
process.on('disconnect', () => process.exit(0));
