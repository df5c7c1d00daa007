/** The margin mode of an account, what is remembered of it, and one leverage per account and instrument. */
import { expect, test } from 'vitest';
import { replaceCredentials, setMarginMode } from '../../src/database/functions/administration.ts';
import { claimTrades, recordInstrumentSettings } from '../../src/database/functions/trades.ts';
import { decide, openPosition, queueTrade, workerId } from '../support/factories/trading.ts';
import { after, makeBot, makeInstrument, makeWorld, start } from '../support/factories/world.ts';
import { one, openBooks } from './books.ts';

const books = openBooks();

test('it is changed once, from two connections at once, and the audit log has both values', async () => {
	const { accountId } = await makeWorld(books.pool);
	const changed = await Promise.all(
		[1, 2].map(() => setMarginMode(books.pool, { accountId, marginMode: 'ISOLATED', actor: 'ann', now: start })),
	);
	expect(changed.sort()).toEqual([false, true]);
	expect(await setMarginMode(books.pool, { accountId, marginMode: null, now: after(1) })).toBe(true);
	const { rows } = await books.pool.query(
		`select actor, before, after from audit_log where action = 'account.margin_mode' order by id`,
	);
	expect(rows).toEqual([
		{ actor: 'ann', before: { margin_mode: null }, after: { margin_mode: 'ISOLATED' } },
		{ actor: 'system', before: { margin_mode: 'ISOLATED' }, after: { margin_mode: null } },
	]);
	expect(await setMarginMode(books.pool, { accountId: 999_999, marginMode: 'CROSS' })).toBeNull();
	await expect(setMarginMode(books.pool, { accountId, marginMode: 'BOTH' })).rejects.toThrow(/margin_mode_is_known/);
});

test('while a perpetual is held or entered it stays; a spot position is none of its business', async () => {
	const world = await makeWorld(books.pool);
	const { accountId } = world;
	const spot = await makeInstrument(books.pool, { marketType: 'SPOT' });
	await openPosition(books.pool, await makeBot(books.pool, world, { instrument: spot }));
	expect(await setMarginMode(books.pool, { accountId, marginMode: 'CROSS', now: start })).toBe(true);
	await queueTrade(books.pool, await makeBot(books.pool, world));
	await expect(setMarginMode(books.pool, { accountId, marginMode: 'ISOLATED', now: start })).rejects.toThrow(
		/holds or enters 1 perpetual position/,
	);
	// To leave it as it is there asks nothing of the exchange.
	expect(await setMarginMode(books.pool, { accountId, marginMode: null, now: start })).toBe(true);
});

test('a claim says what stands at the exchange already, until a key of another account may have come', async () => {
	const world = await makeWorld(books.pool, { account: { mode: 'LIVE' } });
	const { accountId, instrument } = world;
	const bot = await makeBot(books.pool, world, { leverage: 3 });
	await setMarginMode(books.pool, { accountId, marginMode: 'CROSS', now: start });
	await queueTrade(books.pool, bot);
	let seconds = 0;
	const claimed = async () => {
		// Its lease is over by the next look.
		seconds += 40;
		await books.pool.query(`update trade_queue set status = 'PENDING', claimed_by = null, claimed_until = null`);
		const [trade] = await claimTrades(books.pool, { workerId, now: after(seconds) });
		return [trade?.leverage, trade?.marginMode, trade?.isPrepared];
	};
	const record = (leverage: number, marginMode: string | null) =>
		recordInstrumentSettings(books.pool, { accountId, instrumentId: instrument.id, leverage, marginMode, now: start });
	expect(await claimed()).toEqual(['3', 'CROSS', false]);
	await record(3, 'ISOLATED');
	expect(await claimed()).toEqual(['3', 'CROSS', false]);
	await record(3, 'CROSS');
	expect(await claimed()).toEqual(['3', 'CROSS', true]);
	await record(4, null);
	expect(await claimed()).toEqual(['3', 'CROSS', false]);
	await record(3, null);
	expect(await claimed()).toEqual(['3', 'CROSS', true]);
	await replaceCredentials(books.pool, { accountId, credentials: Buffer.from('other'), now: start });
	expect(await claimed()).toEqual(['3', 'CROSS', false]);
});

test('a second leverage is refused while the first is held or on its way, of one account and instrument only', async () => {
	const world = await makeWorld(books.pool);
	const slow = await makeBot(books.pool, world, { leverage: 2 });
	const fast = await makeBot(books.pool, world, { leverage: 5 });
	const same = await makeBot(books.pool, world, { leverage: 2 });
	const elsewhere = await makeBot(books.pool, world, {
		leverage: 5,
		instrument: await makeInstrument(books.pool),
	});
	await queueTrade(books.pool, slow);
	expect(await decide(books.pool, fast)).toMatchObject({ outcome: 'REJECTED', reasonCode: 'LEVERAGE_IN_USE' });
	expect(
		(await one<{ details: object }>(books.pool, `select details from signals where bot_id = $1`, [fast.id])).details,
	).toEqual({
		leverage: 5,
		in_use: 2,
	});
	expect(await decide(books.pool, same)).toMatchObject({ outcome: 'QUEUED' });
	expect(await decide(books.pool, elsewhere)).toMatchObject({ outcome: 'QUEUED' });
});
