/** One run of reconciliation finds whatever was changed behind botbox's back, tells both values, and touches nothing foreign. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { setAccountLimits } from '../../src/database/functions/administration.ts';
import { checkLedger } from '../../src/database/functions/guards.ts';
import { deriveClientOrderId } from '../../src/workers/client-order-id.ts';
import { syncAccount } from '../../src/workers/reconcile.ts';
import { type LiveAccount, openLiveAccount } from '../support/live-account.ts';
import { type SimulatedSystem, startSimulatedSystem } from '../support/simulated-system.ts';

let system: SimulatedSystem;
let account: LiveAccount;
beforeAll(async () => {
	system = await startSimulatedSystem({ simulator: { instrumentCount: 4 } });
});
// Each test has an account of its own, with a key of its own.
beforeEach(async () => {
	account = await openLiveAccount(system);
});
afterAll(() => system.close());

const byHand = (request: Record<string, string | number>) =>
	account.person.privatePostV5OrderCreate({ category: 'linear', ...request });

const quantities = async () => {
	const positions = await (await account.venue()).positions();
	return Object.fromEntries(positions.map(({ symbol, quantity }) => [symbol, Number(quantity)]));
};

/** A statement that no constraint or trigger of ours stands against, as somebody with the database's password may run. */
async function behindItsBack(sql: string, values: unknown[]): Promise<void> {
	const client = await system.database.pool.connect();
	try {
		await client.query(`set session_replication_role = 'replica'`);
		await client.query(sql, values);
	} finally {
		client.release(true);
	}
}

test('a deleted order row, a foreign order, a foreign position, an altered balance and a vanished stop: all in one run', async () => {
	const { pool } = system.database;
	const [guarded, deleted, theirs] = account.perpetuals as [
		LiveAccount['perpetuals'][0],
		LiveAccount['perpetuals'][0],
		LiveAccount['perpetuals'][0],
	];
	const bot = await account.makeBot(guarded);
	await account.trade(bot, { stopLossFraction: 0.05, takeProfitFraction: 0.1 });
	const other = await account.makeBot(deleted);
	await account.trade(other);
	await account.reconcile();
	expect(await account.alerts()).toEqual([]);
	const before = await quantities();

	const trade = await account.one<{ id: string }>('select id from botbox.trade_queue where bot_id = $1', other.id);
	await behindItsBack('delete from botbox.orders where trade_id = $1', [trade.id]);
	const price = system.simulator.price(theirs.exchangeSymbol, 'linear');
	await byHand({
		symbol: theirs.exchangeSymbol,
		side: 'Sell',
		orderType: 'Market',
		qty: String(Math.ceil(500 / price)),
	});
	const resting = await byHand({
		symbol: theirs.exchangeSymbol,
		side: 'Buy',
		orderType: 'Limit',
		qty: String(Math.ceil(500 / price)),
		price: (price * 0.5).toPrecision(3),
	});
	const restingId = (resting as { result: { orderId: string } }).result.orderId;
	system.database.mayBreakLedger();
	await behindItsBack(
		`update botbox.account_balances set booked = booked + 5 where asset = 'USDT' and account_id = $1`,
		[account.id],
	);
	await (await account.venue()).setStops(guarded.symbol, { stopLossPrice: null, takeProfitPrice: null });

	await account.reconcile();
	expect(await account.alerts()).toEqual([
		expect.stringMatching(/^FOREIGN_FILL order /),
		'RECONCILIATION_BALANCE USDT',
		`RECONCILIATION_FOREIGN_ORDER ${theirs.symbol} ${restingId}`,
		`RECONCILIATION_FOREIGN_POSITION ${theirs.symbol}`,
		`RECONCILIATION_MISSING_ORDER trade ${trade.id}`,
		expect.stringMatching(/^STOP_MISSING position \d+$/),
	]);
	// Both values, each.
	const { rows } = await pool.query<{ code: string; message: string; severity: string }>(
		`select code, message, severity from botbox.alerts
		where resolved_at is null and (subject like $1 or code = 'STOP_MISSING') order by code`,
		[`account ${account.id} %`],
	);
	const told = Object.fromEntries(rows.map(({ code, message, severity }) => [code, `${severity} ${message}`]));
	expect(told.RECONCILIATION_BALANCE).toMatch(/^CRITICAL balance of USDT: booked \d+\.?\d*, exchange says \d/);
	expect(told.RECONCILIATION_FOREIGN_POSITION).toMatch(/^WARNING .* booked 0, exchange says -\d/);
	expect(told.RECONCILIATION_FOREIGN_ORDER).toMatch(/^WARNING .* booked nothing, exchange says \d/);
	expect(told.RECONCILIATION_MISSING_ORDER).toMatch(/^CRITICAL .* booked 0, exchange says \d/);
	expect(told.STOP_MISSING).toMatch(/^CRITICAL .*stop-loss booked [\d.]+, exchange says none; take-profit booked/);
	expect(await checkLedger(pool, {})).toHaveLength(1);

	// The stop stands again; the next run sees it and resolves. What is foreign was only looked at.
	const [position] = (await (await account.venue()).positions()).filter(({ symbol }) => symbol === guarded.symbol);
	const wanted = await account.one<{ stop: number; target: number }>(
		'select stop_loss_price::float8 as stop, take_profit_price::float8 as target from botbox.positions where bot_id = $1',
		bot.id,
	);
	expect([Number(position?.stopLossPrice), Number(position?.takeProfitPrice)]).toEqual([wanted.stop, wanted.target]);
	await behindItsBack(
		`update botbox.account_balances set booked = booked - 5 where asset = 'USDT' and account_id = $1`,
		[account.id],
	);
	await account.reconcile();
	expect(await account.alerts('POSITION%')).toEqual([]);
	// The person's own fee has left the account: that is a difference, and the books stay as they are.
	expect(await account.alerts('RECONCILIATION_FOREIGN%')).toHaveLength(2);
	const after = await quantities();
	expect(after).toEqual({ ...before, [theirs.symbol]: after[theirs.symbol] });
	expect(after[theirs.symbol]).toBeLessThan(0);
	expect(
		(await (await account.venue()).openOrders()).some(({ exchangeOrderId }) => exchangeOrderId === restingId),
	).toBe(true);
});

test('what is foreign is listed, counts for slots and exposure, and is forgotten when it is gone', async () => {
	const { pool } = system.database;
	const [ours, theirs] = account.perpetuals as [LiveAccount['perpetuals'][0], LiveAccount['perpetuals'][0]];
	const price = system.simulator.price(theirs.exchangeSymbol, 'linear');
	const qty = String(Math.ceil(1_000 / price));
	await byHand({ symbol: theirs.exchangeSymbol, side: 'Buy', orderType: 'Market', qty });
	await account.reconcile();
	const foreign = await account.one<{ symbol: string; quantity: string; account_id: number }>(
		'select symbol, trim_scale(quantity)::text as quantity, account_id from reporting.foreign_positions where account_id = $1',
		account.id,
	);
	expect(foreign).toEqual({ symbol: theirs.symbol, quantity: qty, account_id: account.id });

	const bot = await account.makeBot(ours);
	await setAccountLimits(pool, { accountId: account.id, limits: { max_positions: 1 } });
	expect(await account.decide(bot)).toMatchObject({ outcome: 'REJECTED', reasonCode: 'MAX_POSITIONS' });
	await setAccountLimits(pool, { accountId: account.id, limits: { max_positions: 5, max_total_exposure: 1_500 } });
	expect(await account.decide(bot)).toMatchObject({ outcome: 'REJECTED', reasonCode: 'TOTAL_EXPOSURE' });
	const details = await account.one<{ held: string }>(
		`select details ->> 'held' as held from botbox.signals where reason_code = 'TOTAL_EXPOSURE' and account_id = $1`,
		account.id,
	);
	expect(Number(details.held)).toBeGreaterThan(900);

	await byHand({ symbol: theirs.exchangeSymbol, side: 'Sell', orderType: 'Market', qty });
	await account.reconcile();
	expect((await pool.query('select from botbox.foreign_positions where account_id = $1', [account.id])).rowCount).toBe(
		0,
	);
	expect(await account.alerts('RECONCILIATION_FOREIGN%')).toEqual([]);
	expect(await account.decide(bot)).toMatchObject({ outcome: 'QUEUED' });
});

test('RECONCILIATION_POSITION_FILLS: a position that its fills do not add up to is told until they do', async () => {
	const [instrument] = account.perpetuals as [LiveAccount['perpetuals'][0]];
	const bot = await account.makeBot(instrument);
	await account.trade(bot);
	const told = () => account.alerts('RECONCILIATION_POSITION_FILLS%');
	const { id } = await account.one<{ id: number }>('select id from botbox.positions where bot_id = $1', bot.id);
	await behindItsBack('update botbox.positions set entered_quantity = entered_quantity + 1 where id = $1', [id]);
	await account.reconcile();
	expect(await told()).toEqual([`RECONCILIATION_POSITION_FILLS position ${id}`]);
	await behindItsBack('update botbox.positions set entered_quantity = entered_quantity - 1 where id = $1', [id]);
	await account.reconcile();
	expect(await told()).toEqual([]);
});

test('more than our bots hold in the same instrument is foreign by the difference; costs of it are no difference of balance', async () => {
	const [instrument] = account.perpetuals as [LiveAccount['perpetuals'][0]];
	const bot = await account.makeBot(instrument);
	await account.trade(bot);
	const held = (await quantities())[instrument.symbol] ?? 0;
	const price = system.simulator.price(instrument.exchangeSymbol, 'linear');
	const qty = Math.ceil(2_000 / price);
	await byHand({ symbol: instrument.exchangeSymbol, side: 'Buy', orderType: 'Market', qty: String(qty) });
	await account.reconcile();
	expect(await account.alerts('RECONCILIATION%')).toEqual(
		// Its fee has left the cash of the account.
		['RECONCILIATION_BALANCE USDT', `RECONCILIATION_POSITION ${instrument.symbol}`],
	);
	expect(
		await account.one(
			'select quantity::float8 as quantity from botbox.foreign_positions where account_id = $1',
			account.id,
		),
	).toEqual({
		quantity: qty,
	});
	expect((await quantities())[instrument.symbol]).toBeCloseTo(held + qty, 9);
	const balance = await account.one<{ booked: number; reported: number }>(
		`select (details ->> 'booked')::float8 as booked, (details ->> 'reported')::float8 as reported from botbox.alerts
		where code = 'RECONCILIATION_BALANCE' and resolved_at is null and subject = $1`,
		`account ${account.id} USDT`,
	);
	expect(balance.booked - balance.reported).toBeLessThan(qty * price * 0.001);
});

test('an order of ours whose row is gone before its fill was booked is told as lost, not as foreign', async () => {
	const [instrument] = account.perpetuals as [LiveAccount['perpetuals'][0]];
	const price = system.simulator.price(instrument.exchangeSymbol, 'linear');
	const clientOrderId = deriveClientOrderId(
		(await account.one<{ id: string }>('select installation_id as id from botbox.installation')).id,
		'6b1f0c1e-6a0b-4d65-9d1c-3f0a6e3e6a11',
	);
	const qty = String(Math.ceil(300 / price));
	await byHand({
		symbol: instrument.exchangeSymbol,
		side: 'Buy',
		orderType: 'Market',
		qty,
		orderLinkId: clientOrderId,
	});
	await byHand({
		symbol: instrument.exchangeSymbol,
		side: 'Buy',
		orderType: 'Limit',
		qty,
		price: (price * 0.5).toPrecision(3),
		orderLinkId: `${clientOrderId.slice(0, -1)}_`,
	});
	await account.reconcile();
	expect(await account.alerts()).toEqual([
		expect.stringMatching(/^LOST_FILL order /),
		// The fee of a fill that nobody booked.
		'RECONCILIATION_BALANCE USDT',
		`RECONCILIATION_FOREIGN_POSITION ${instrument.symbol}`,
		expect.stringMatching(/^RECONCILIATION_LOST_ORDER /),
	]);
	expect(
		await account.one(
			`select severity from botbox.alerts where code = 'LOST_FILL' and subject like $1`,
			`account ${account.id} %`,
		),
	).toEqual({
		severity: 'CRITICAL',
	});
});

test('funding that was paid while books could not be compared is booked with the next comparison, though fills were followed', async () => {
	const [instrument] = account.perpetuals as [LiveAccount['perpetuals'][0]];
	const bot = await account.makeBot(instrument);
	await account.trade(bot);
	await account.reconcile();
	system.simulator.setFunding(instrument.exchangeSymbol, 0.0005);
	const hour = 3_600_000;
	system.skip((Math.floor(system.now().getTime() / (8 * hour)) + 1) * 8 * hour - system.now().getTime() + 1_000);
	// Minutes of fills only: the mark up to which they are known passes the funding.
	for (let minute = 0; minute < 5; minute += 1) {
		system.skip(60_000);
		await syncAccount(system.context, account.id, system.now());
	}
	await account.reconcile();
	expect(
		await account.one(
			`select count(*)::integer as paid, sum(amount) < 0 as is_loss from botbox.ledger_entries where account_id = $1 and kind = 'FUNDING'`,
			account.id,
		),
	).toEqual({ paid: 1, is_loss: true });
	expect(await account.alerts('RECONCILIATION%')).toEqual([]);
	await account.reconcile();
	expect(
		await account.one(
			`select count(*)::integer as paid from botbox.ledger_entries where account_id = $1 and kind = 'FUNDING'`,
			account.id,
		),
	).toEqual({ paid: 1 });
	system.simulator.setFunding(instrument.exchangeSymbol, null);
});
