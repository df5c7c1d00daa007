/** Markets that the exchange takes away, and guards without prices: alerts that come and go by themselves. */
import { expect, test } from 'vitest';
import { setBotStatus } from '../../src/database/functions/administration.ts';
import { monitorInstruments } from '../../src/database/functions/guards.ts';
import { recordInstruments } from '../../src/database/functions/market.ts';
import { decide, openPosition } from '../support/factories/trading.ts';
import { after, makeBot, makeInstrument, makeWorld } from '../support/factories/world.ts';
import { openBooks } from './books.ts';

const books = openBooks();

const open = async () =>
	(
		await books.pool.query(
			`select code, severity, subject, message from alerts where resolved_at is null order by code, subject`,
		)
	).rows;

/** The exchange's whole list, a minute later, with one market only. */
const listOnly = (symbol: string) =>
	recordInstruments(books.pool, {
		exchangeId: 'sim',
		instruments: [
			{
				symbol,
				exchange_symbol: symbol,
				market_type: 'LINEAR',
				base_asset: 'X',
				quote_asset: 'USDT',
				settle_asset: 'USDT',
				tick_size: '0.01',
				lot_size: '0.001',
				is_trading: true,
			},
		],
		now: after(60),
	});

test('a delisted instrument: entries refused, what is held there kept under a CRITICAL alert, and told when it is over', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	const { id } = await openPosition(books.pool, bot);
	const kept = await makeInstrument(books.pool);
	expect(await monitorInstruments(books.pool, { now: after(30) })).toBe(0);

	await listOnly(kept.symbol);
	expect(await monitorInstruments(books.pool, { now: after(61) })).toBe(1);
	expect(await open()).toEqual([
		{
			code: 'INSTRUMENT_DELISTED',
			severity: 'CRITICAL',
			subject: `sim ${world.instrument.symbol}`,
			message: `sim no longer trades ${world.instrument.symbol}: 1 open positions there, 1 active bots`,
		},
	]);
	const late = await makeBot(books.pool, world);
	expect(await decide(books.pool, late, { now: after(62) })).toMatchObject({ reasonCode: 'INSTRUMENT_NOT_TRADING' });
	expect((await books.pool.query('select status from positions where id = $1', [id])).rows).toEqual([
		{ status: 'OPEN' },
	]);

	// Listed again.
	await books.pool.query('update instruments set is_trading = true');
	expect(await monitorInstruments(books.pool, { now: after(63) })).toBe(0);
	expect(await open()).toEqual([]);
});

test.each([
	['0', '0.001'],
	['0', '0'],
	['0.0005', '0.001'],
])(
	'a market whose largest order is %s and smallest %s takes none: the others of the list are recorded all the same',
	async (most, least) => {
		const listed = (symbol: string, more: object = {}) => ({
			...{
				symbol,
				exchange_symbol: symbol,
				market_type: 'SPOT',
				base_asset: 'X',
				quote_asset: 'USDT',
				settle_asset: 'USDT',
			},
			...{ tick_size: '0.01', lot_size: '0.001', is_trading: true, ...more },
		});
		const instruments = [listed('A/USDT', { maximum_quantity: most, minimum_quantity: least }), listed('B/USDT')];
		expect(await recordInstruments(books.pool, { exchangeId: 'sim', instruments, now: after(60) })).toBe(2);
		const { rows } = await books.pool.query(
			'select symbol, is_trading, maximum_quantity, figures_changed_at from instruments order by symbol',
		);
		expect(rows).toEqual([
			{ symbol: 'A/USDT', is_trading: false, maximum_quantity: null, figures_changed_at: null },
			{ symbol: 'B/USDT', is_trading: true, maximum_quantity: null, figures_changed_at: null },
		]);
		// The same list again changes nothing; another tick does, for its market alone.
		await recordInstruments(books.pool, { exchangeId: 'sim', instruments, now: after(120) });
		instruments[1] = listed('B/USDT', { tick_size: '0.02' });
		await recordInstruments(books.pool, { exchangeId: 'sim', instruments, now: after(180) });
		expect(
			(await books.pool.query('select symbol, figures_changed_at as at from instruments order by symbol')).rows,
		).toEqual([
			{ symbol: 'A/USDT', at: null },
			{ symbol: 'B/USDT', at: after(180) },
		]);
	},
);

test('a bot without a position on a delisted instrument is a warning until it is stopped', async () => {
	const world = await makeWorld(books.pool);
	const bot = await makeBot(books.pool, world);
	await listOnly((await makeInstrument(books.pool)).symbol);
	await monitorInstruments(books.pool, { now: after(61) });
	expect(await open()).toMatchObject([{ code: 'INSTRUMENT_DELISTED', severity: 'WARNING' }]);
	await setBotStatus(books.pool, { botId: bot.id, status: 'STOPPED', now: after(62) });
	await monitorInstruments(books.pool, { now: after(63) });
	expect(await open()).toEqual([]);
});
