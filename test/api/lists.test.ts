/** Every list and figure over a small trading hour: complete, filtered, paged, and equal to what SQL counts. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeApi, makeToken, type TestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeTradingHour, type TradingHour } from '../support/factories/trading-hour.ts';

let database: TestDatabase;
let api: TestApi;
let hour: TradingHour;
let admin: string;
beforeAll(async () => {
	database = await createTestDatabase();
	hour = await makeTradingHour(database.pool);
	admin = (await makeToken(database.pool, 'admin')).token;
	api = await makeApi(database.pool);
});
afterAll(async () => {
	await api.app.close();
	await database.drop();
});

type Item = Record<string, unknown>;
async function list(path: string): Promise<{ items: Item[]; next: string | null }> {
	const answer = await api.call('GET', `/api/v1/${path}`, { token: admin });
	expect(answer.statusCode, answer.body).toBe(200);
	expect(answer.headers['cache-control']).toBe('no-store');
	return answer.json();
}
/** Ages grow between two requests. */
const withoutAge = ({ lag_seconds: _, data_lag_seconds: __, ...item }: Item): Item => item;
const withQuery = (path: string, query: string): string => `${path}${path.includes('?') ? '&' : '?'}${query}`;

test.each([
	['bots', 3],
	['signals', 5],
	['rejection-reasons', 1],
	['trades', 4],
	['orders', 4],
	['positions', 3],
	['accounts', 2],
	['strategies', 1],
	['instruments', 2],
	['exchanges', 1],
	['data-freshness', 2],
	['pauses', 1],
	['alerts', 1],
	['workers', 1],
	['tokens', 1],
])('%s gives its %i rows, whole or page by page', async (path, count) => {
	const whole = await list(path);
	expect(whole.items).toHaveLength(count);
	expect(whole.next).toBeNull();
	const seen: Item[] = [];
	for (let after = ''; seen.length <= count; ) {
		const page: { items: Item[]; next: string | null } = await list(withQuery(path, `limit=1${after}`));
		seen.push(...page.items);
		if (page.next === null) break;
		after = `&after=${page.next}`;
	}
	expect(seen.map(withoutAge)).toEqual(whole.items.map(withoutAge));
});

test.each([
	['bots?status=ACTIVE&exchange=sim&strategy=test', 3],
	['bots?status=STOPPED', 0],
	['bots?q=usdt', 3],
	['bots?q=nothing-like-it', 0],
	['signals?status=REJECTED', 1],
	['signals?reason=DUPLICATE_POSITION', 1],
	['signals?direction=CLOSE', 1],
	['trades?status=EXECUTED', 4],
	['trades?status=PENDING', 0],
	['orders?status=FILLED', 4],
	['positions?status=OPEN', 2],
	['positions?status=CLOSED', 1],
	['accounts?mode=LIVE', 1],
	['instruments?market_type=SPOT', 0],
	['instruments?is_trading=true&q=usdt', 2],
	['pauses?is_in_force=true', 1],
	['alerts?is_open=true&severity=WARNING', 1],
	['alerts?is_open=false', 0],
	['workers?status=RUNNING', 1],
])('%s gives %i rows', async (path, count) => {
	expect((await list(path)).items).toHaveLength(count);
});

test('of one bot: its own rows only', async () => {
	const { holder, winner } = hour;
	for (const name of ['signals', 'trades', 'positions']) {
		const own = await list(`bots/${holder.id}/${name}`);
		expect(own).toEqual(await list(`${name}?bot_id=${holder.id}`));
		expect(own.items.length).toBeGreaterThan(0);
		expect(own.items.every((item) => item.bot_id === holder.id)).toBe(true);
	}
	expect((await list(`bots/${holder.id}/checks`)).items).toMatchObject([{ outcome: 'NO_SIGNAL', score: 0.68 }]);
	expect((await list(`bots/${winner.id}/checks?outcome=FAILED`)).items).toMatchObject([{ error: 'a factor threw' }]);
	const pnl = await api.call('GET', `/api/v1/bots/${winner.id}/pnl`);
	// Ten of 100 bought, sold at 110, with a fee of 1 on each side.
	expect(pnl.json()).toMatchObject({ closed_positions: 1, won: 1, lost: 0, open_positions: 0 });
	expect(Number(pnl.json().net_pnl)).toBe(98);
});

test('candles come newest first, with every timeframe that was rolled up', async () => {
	const candles = (await list(`candles?instrument_id=${hour.instrumentId}&timeframe=1m&limit=500`)).items;
	expect(candles).toHaveLength(120);
	const opens = candles.map((candle) => Date.parse(String(candle.open_at)));
	expect(opens).toEqual([...opens].sort((a, b) => b - a));
	expect((await list(`candles?instrument_id=${hour.instrumentId}&timeframe=5m`)).items.length).toBeGreaterThan(20);
	const page = await list(`candles?instrument_id=${hour.instrumentId}&timeframe=1m&limit=119`);
	expect(
		(await list(`candles?instrument_id=${hour.instrumentId}&timeframe=1m&limit=119&after=${page.next}`)).items,
	).toEqual(candles.slice(119));
});

test('the overview is what SQL counts', async () => {
	const overview = (await api.call('GET', '/api/v1/overview')).json();
	const { rows } = await database.pool.query(`
		select (select count(*) from botbox.bots where status = 'ACTIVE') as active_bots,
		       (select count(*) from botbox.signals) as signals_day,
		       (select count(*) from botbox.signals where status = 'QUEUED') as accepted_day,
		       (select count(*) from botbox.signals where status = 'REJECTED') as rejected_day,
		       (select count(*) from botbox.trade_queue) as trades_day,
		       (select count(*) from botbox.checks) as checks_hour,
		       (select count(*) from botbox.checks where outcome = 'FAILED') as checks_failed_hour,
		       (select count(*) from botbox.positions where status = 'OPEN') as open_positions`);
	expect(overview).toMatchObject(rows[0]);
	expect(overview).toMatchObject({
		queue_depth: 0,
		open_alerts: 1,
		running_workers: 1,
		pauses_in_force: 1,
		settle_asset: 'USDT',
		acceptance_rate_day: 0.8,
	});
	// Held: ten bought at 100, now 105.
	expect(Number(overview.unrealised_pnl_paper)).toBe(50);
	expect(Number(overview.net_pnl_paper)).toBe(97);
	expect(Number(overview.net_pnl_live)).toBe(-0.5);
	expect(overview.acknowledged_ms_p95_day).toBe(0);
});

test('no list shows a secret', async () => {
	for (const path of ['accounts', 'tokens', 'workers']) {
		const { body } = await api.call('GET', `/api/v1/${path}`, { token: admin });
		for (const secret of ['credentials', 'hash', 'sealed', admin]) expect(body).not.toContain(secret);
	}
});
