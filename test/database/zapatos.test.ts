/** The generated types work with our compiler settings and say what the pool returns. */
import { afterAll, beforeAll, expect, expectTypeOf, test } from 'vitest';
import type { accounts, exchanges, instruments, reporting } from 'zapatos/schema';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());

test('keys are numbers, money is text, times are Dates, enums are their labels', async () => {
	expectTypeOf<instruments.Selectable['id']>().toEqualTypeOf<number>();
	expectTypeOf<instruments.Selectable['tick_size']>().toEqualTypeOf<string>();
	expectTypeOf<accounts.Selectable['mode']>().toEqualTypeOf<'PAPER' | 'LIVE'>();
	expectTypeOf<instruments.Selectable['refreshed_at']>().toEqualTypeOf<Date>();
	expectTypeOf<reporting.candles.Selectable['close']>().toEqualTypeOf<string | null>();

	await database.pool.query(`
		insert into instruments
			(exchange_id, symbol, exchange_symbol, market_type, base_asset, quote_asset, settle_asset, tick_size, lot_size)
		values ('sim', 'BTC/USDT', 'BTCUSDT', 'SPOT', 'BTC', 'USDT', 'USDT', 0.10, 0.001)`);
	const { rows } = await database.pool.query<instruments.Selectable>('select * from instruments');
	expect(rows[0]).toMatchObject({ id: expect.any(Number), tick_size: '0.10', refreshed_at: expect.any(Date) });
	const found = await database.pool.query<exchanges.Selectable>('select * from exchanges order by id');
	expect(found.rows.map((exchange) => exchange.id)).toContain('sim');
});
