/** Illegal states cannot be inserted by hand: for each constraint of each state machine a change that it refuses. */
import { expect, test } from 'vitest';
import { planRollout, recordStrategyVersion } from '../../src/database/functions/administration.ts';
import { acquireCall, pauseEntries } from '../../src/database/functions/guards.ts';
import { recordInstrumentSettings } from '../../src/database/functions/trades.ts';
import { check } from '../support/factories/evaluated-checks.ts';
import { openOrder, openPosition, queueTrade, submitTrade } from '../support/factories/trading.ts';
import { after, makeBot, makeFeedFresh, makeWorld, quote, start } from '../support/factories/world.ts';
import { openBooks } from './books.ts';

const books = openBooks();

/** One legal row of everything: a held bot, a queued one, one with a working order, one whose order may have been sent. */
async function prepare(): Promise<void> {
	const world = await makeWorld(books.pool, { version: { maxLots: 2 } });
	const bots = [];
	for (let index = 0; index < 5; index++) bots.push(await makeBot(books.pool, world, { isDueAtOnce: true }));
	await makeFeedFresh(books.pool, world.instrument.id, start);
	await quote(books.pool, world.instrument, { bid: 99, ask: 101, last: 100 }, start);
	await openPosition(books.pool, bots[0]!, { fee: 1 });
	await queueTrade(books.pool, bots[0]!, { direction: 'CLOSE' });
	await queueTrade(books.pool, bots[1]!);
	await books.pool.query(
		'insert into trade_approvals (trade_id, requested_at) select id, $1 from trade_queue where bot_id = $2',
		[start, bots[1]!.id],
	);
	await openOrder(books.pool, bots[2]!);
	await submitTrade(books.pool, await queueTrade(books.pool, bots[3]!));
	await check(books.pool, bots[4]!, start, { decision: 'LONG' });
	await planRollout(books.pool, {
		accountId: world.accountId,
		steps: [
			{ max_active_bots: 10 },
			{ max_active_bots: 50, step_at: after(60) },
			{ max_active_bots: 100, step_at: after(120) },
		],
		now: start,
	});
	const { accountId, instrument } = world;
	await recordInstrumentSettings(books.pool, { accountId, instrumentId: instrument.id, leverage: 2, now: start });
	await pauseEntries(books.pool, { scope: 'ALL', reason: 'drill', now: start });
	await acquireCall(books.pool, { exchangeId: 'sim', workerId: 'w', now: start });
	await books.pool.query(`
		insert into candles (instrument_id, timeframe, open_at, open, high, low, close, volume, is_native)
		select id, '1m', '${start.toISOString()}', 10, 12, 9, 11, 5, true from instruments`);
	await books.pool.query(`insert into alerts (code, severity, subject, message) values ('TEST', 'INFO', 'x', 'x')`);
	await recordStrategyVersion(books.pool, {
		strategyId: 'S-TEST',
		parameters: { a: 1 },
		timeframe: '1m',
		history: 5,
		favourableRegimes: [],
		now: start,
	});
}

/** Which rows, what is changed in them, and the constraint or domain that refuses it. */
const illegal: readonly (readonly [rows: string, change: string, refusedBy: string])[] = [
	['bots', `next_check_at = null`, 'active_bot_has_a_next_check'],
	['bots', `status = 'PAUSED'`, 'active_bot_has_a_next_check'],
	['bots', `next_check_at = next_check_at + interval '1 minute'`, 'next_check_lies_on_the_grid'],
	['bots', `interval_minutes = 7, next_check_at = '2026-03-02T12:05Z'`, 'interval_is_known'],
	['bots', `claimed_by = 'w', claimed_until = null`, 'bot_claim_has_an_end'],
	['bots', `status = 'DELETED', next_check_at = null`, 'deleted_bot_has_its_time'],
	['bots', `deleted_at = now()`, 'deleted_bot_has_its_time'],
	['bots', `is_waiting = true`, 'waiting_bot_is_paused'],
	['rollout_steps', `due_at = step_at - interval '1 second'`, 'step_is_never_due_early'],
	['rollout_steps', `cancelled_at = now()`, 'step_ends_once'],
	['rollout_steps', `taken_at = null, held_since = now()`, 'held_step_has_its_reason'],
	['rollout_steps', `held_since = now(), held_reason = 'x'`, 'held_step_has_not_ended'],
	['rollout_steps', `max_active_bots = 0`, 'step_has_places'],
	['rollout_steps', `step_at = '2026-03-02T12:00Z'`, 'rollout_steps_one_per_time'],
	['accounts', `max_active_bots = 0`, 'max_active_bots_is_positive'],
	['bots', `sizing = 'CAPITAL_FRACTION', sizing_value = 1.01`, 'sizing_fraction_is_a_share'],
	['bots', `leverage = 0`, 'leverage_is_sane'],
	['bots', `name = 'same'`, 'bots_one_living_per_name'],
	['bots', `sizing_value = 0`, 'price_is_positive_and_finite'],
	['bots', `consecutive_failures = -1`, 'bot_failures_are_not_negative'],
	['bots', `adaptive_base_minutes = 7`, 'adaptive_base_is_known'],
	['signals', `lots = 0`, 'signal_lots_are_not_negative'],
	['signals', `trailing_stop_fraction = 1`, 'signal_trail_is_a_share'],
	['trade_queue', `lots = 0`, 'trade_lots_are_not_negative'],
	['trade_queue', `trailing_stop_fraction = 0`, 'trade_trail_is_a_share'],
	['trade_approvals', `decision = 'WAITING', decided_at = now(), decided_by = 'ann'`, 'decision_is_a_persons'],
	['trade_approvals', `decision = 'APPROVED', decided_by = 'ann'`, 'decided_approval_has_its_time'],
	['trade_approvals', `decision = 'APPROVED', decided_at = now()`, 'decided_approval_names_who'],
	['trade_approvals', `decision = 'REJECTED', decided_at = now(), decided_by = 'ann'`, 'rejected_entry_has_its_reason'],
	['positions', `trailing_stop_fraction = 1`, 'position_trail_is_a_share'],
	['signals', `hash = 'short'`, 'signal_hash_is_sha256'],
	['signals', `hash = repeat('a', 64)`, 'signals_one_per_hash'],
	["signals where status = 'QUEUED'", `trade_id = null`, 'queued_signal_has_its_trade'],
	["signals where status = 'QUEUED'", `reason_code = 'PAUSED'`, 'queued_signal_was_accepted'],
	["signals where status = 'QUEUED'", `status = 'REJECTED'`, 'queued_signal'],
	["signals where direction = 'CLOSE'", `position_id = null`, 'close_names_its_position'],
	['signals', `repeat_count = -1`, 'repeat_count_is_not_negative'],
	[
		"signals where status = 'QUEUED'",
		`reason_code = 'INVENTED', trade_id = null, status = 'REJECTED'`,
		'reason_code_fkey',
	],
	["trade_queue where status = 'PENDING'", `status = 'EXECUTING'`, 'executing_trade_is_claimed'],
	["trade_queue where status = 'EXECUTING'", `claimed_by = null, claimed_until = null`, 'executing_trade_is_claimed'],
	["trade_queue where status = 'EXECUTING'", `claimed_until = null`, 'trade_claim_has_an_end'],
	[
		"trade_queue where status = 'PENDING'",
		`status = 'EXPIRED', reason_code = 'TTL_EXPIRED'`,
		'finished_trade_has_its_time',
	],
	["trade_queue where status = 'PENDING'", `finished_at = now(), reserved_capital = 0`, 'finished_trade_has_its_time'],
	["trade_queue where status = 'EXECUTED'", `reserved_capital = 1`, 'finished_trade_reserves_nothing'],
	["trade_queue where direction = 'CLOSE'", `reserved_capital = 1`, 'close_reserves_nothing'],
	["trade_queue where status = 'PENDING'", `status = 'PARKED'`, 'failed_trade_has_its_reason'],
	["trade_queue where direction = 'CLOSE'", `expires_at = now()`, 'close_never_expires'],
	["trade_queue where direction = 'LONG'", `expires_at = null`, 'close_never_expires'],
	["trade_queue where direction = 'CLOSE'", `position_id = null`, 'close_names_its_position'],
	["trade_queue where direction = 'LONG'", `side = 'SELL'`, 'side_follows_direction'],
	['trade_queue', `quantity = 0`, 'trade_quantity_is_positive'],
	['trade_queue', `leverage = 0`, 'trade_leverage_is_sane'],
	['trade_queue', `attempts = -1`, 'attempts_are_not_negative'],
	['trade_queue', `signal_hash = repeat('a', 64)`, 'trade_queue_signal_hash_key'],
	[
		"trade_queue where status <> 'EXECUTED' and direction = 'LONG'",
		`bot_id = (select min(id) from bots)`,
		'trade_queue_one_live_per_bot_direction',
	],
	["orders where status = 'OPEN'", `filled_quantity = quantity + 1, average_price = 1`, 'filled_within_quantity'],
	["orders where status = 'OPEN'", `status = 'FILLED', finished_at = now()`, 'filled_order_is_full'],
	["orders where status = 'OPEN'", `status = 'PARTIALLY_FILLED'`, 'partially_filled_order_has_a_fill'],
	["orders where status = 'OPEN'", `filled_quantity = 1`, 'fills_have_an_average'],
	[
		"orders where status = 'OPEN'",
		`status = 'REJECTED', finished_at = now(), filled_quantity = 1, average_price = 1`,
		'rejected_order_filled_nothing',
	],
	["orders where status = 'OPEN'", `status = 'CANCELLED'`, 'finished_order_has_its_time'],
	["orders where status = 'OPEN'", `finished_at = now()`, 'finished_order_has_its_time'],
	["orders where status = 'SUBMITTING'", `status = 'UNKNOWN'`, 'unknown_order_has_its_time'],
	["orders where status = 'OPEN'", `status = 'UNKNOWN', unknown_since = now()`, 'order_transition_is_legal'],
	["orders where status = 'OPEN'", `unknown_since = now()`, 'unknown_order_has_its_time'],
	["orders where status = 'OPEN'", `exchange_order_id = null`, 'acknowledged_order_is_named'],
	["orders where status = 'OPEN'", `client_order_id = null`, 'own_orders_have_a_client_id'],
	["orders where status = 'OPEN'", `trade_id = null`, 'own_orders_have_a_client_id'],
	["orders where status = 'OPEN'", `client_order_id = 'two words'`, 'client_order_id_fits_exchanges'],
	['orders', `client_order_id = 'same'`, 'orders_client_order_id_key'],
	['orders', `exchange_order_id = 'same'`, 'orders_one_per_exchange_order'],
	[
		"orders where status = 'SUBMITTING'",
		`trade_id = (select trade_id from orders where status = 'OPEN')`,
		'orders_one_per_trade',
	],
	['order_transitions', `from_status = to_status`, 'order_transition_leads_elsewhere'],
	['positions', `quantity = 0`, 'closed_position_holds_nothing'],
	['positions', `status = 'CLOSED', closed_at = now()`, 'closed_position_holds_nothing'],
	['positions', `closed_at = now()`, 'closed_position_has_its_time'],
	['positions', `stop_loss_price = 90`, 'stops_are_protected'],
	['positions', `quantity = -1`, 'quantity_is_not_negative'],
	['positions', `average_entry_price = 'NaN'`, 'price_is_positive_and_finite'],
	['positions', `realised_pnl = 'Infinity'`, 'amount_is_finite'],
	['positions', `lots = 0`, 'position_lots_are_positive'],
	['positions', `leverage = 0`, 'position_leverage_is_sane'],
	['circuit_breakers', `state = 'OPEN'`, 'closed_breaker_has_no_opening'],
	['circuit_breakers', `opened_at = now()`, 'closed_breaker_has_no_opening'],
	['circuit_breakers', `state = 'OPEN', opened_at = now()`, 'open_breaker_has_a_probe_time'],
	[
		'circuit_breakers',
		`state = 'HALF_OPEN', opened_at = now(), probe_at = now()`,
		'half_open_breaker_names_its_prober',
	],
	['circuit_breakers', `held_by = 'w'`, 'held_breaker_is_open'],
	['circuit_breakers', `probed_by = 'w'`, 'half_open_breaker_names_its_prober'],
	['pauses', `bot_id = (select min(id) from bots)`, 'pause_names_its_scope'],
	['pauses', `scope = 'ACCOUNT'`, 'pause_names_its_scope'],
	['pauses', `lifts_at = created_at`, 'pause_lifts_after_it_began'],
	['pauses', `lifted_at = now()`, 'lifted_pause_names_who'],
	['rate_limits', `refill_per_second = refill_per_second + 4`, 'rate_is_within_80_percent'],
	['rate_limits', `capacity = published_limit`, 'rate_is_within_80_percent'],
	['rate_limits', `published_limit = published_limit / 2`, 'rate_is_within_80_percent'],
	['rate_limits', `tokens = capacity + 1`, 'tokens_within_capacity'],
	['rate_limits', `tokens = -1`, 'tokens_within_capacity'],
	['rate_limits', `pace = 0`, 'pace_is_a_share'],
	['rate_limits', `pace = 1.1`, 'pace_is_a_share'],
	['accounts', `mode = 'LIVE'`, 'live_account_has_credentials'],
	['accounts', `credentials = 'key'`, 'paper_account_has_no_credentials'],
	['accounts', `capital = -1`, 'quantity_is_not_negative'],
	['accounts', `correlation_threshold = 1.1`, 'correlation_threshold_is_a_share'],
	['accounts', `max_positions = -1`, 'max_positions_is_not_negative'],
	['accounts', `max_drawdown = 1.1`, 'max_drawdown_is_a_share'],
	['accounts', `max_price_deviation = 0`, 'max_price_deviation_is_a_share'],
	['accounts', `daily_loss_limit = 0`, 'daily_loss_limit_is_positive'],
	['accounts', `max_total_exposure = 'NaN'`, 'quantity_is_not_negative'],
	['accounts', `loss_cooldown_minutes = 0`, 'loss_cooldown_minutes_is_positive'],
	['accounts', `max_losing_streak = -1`, 'max_losing_streak_is_positive'],
	['accounts', `max_entries_per_minute = -1`, 'max_entries_per_minute_is_not_negative'],
	['bots', `max_position_notional = 0`, 'max_position_notional_is_positive'],
	['account_equity', `peak = equity - 1`, 'peak_is_at_least_equity'],
	['accounts', `max_margin_ratio = 1.1`, 'max_margin_ratio_is_a_share'],
	['accounts', `margin_mode = 'isolated'`, 'margin_mode_is_known'],
	['instrument_settings', `leverage = 0`, 'set_leverage_is_sane'],
	['instrument_settings', `margin_mode = 'BOTH'`, 'set_margin_mode_is_known'],
	['accounts', `margin_ratio = 0.1`, 'margin_ratio_has_its_time'],
	['accounts', `name = ''`, 'account_name_is_short'],
	['alerts', `acknowledged_at = now()`, 'acknowledged_alert_names_who'],
	['candles', `high = 8`, 'high_is_highest'],
	['candles', `low = 10.5`, 'low_is_lowest'],
	['candles', `low = 13`, 'is_highest|is_lowest'],
	['candles', `close = 12.5`, 'high_is_highest'],
	['candles', `low = -1`, 'price_is_positive_and_finite'],
	['candles', `open = 0`, 'price_is_positive_and_finite'],
	['candles', `close = 'NaN'`, 'price_is_positive_and_finite'],
	['candles', `high = 'Infinity'`, 'price_is_positive_and_finite'],
	['candles', `volume = 'NaN'`, 'quantity_is_not_negative'],
	['candles', `volume = -1`, 'quantity_is_not_negative'],
	['tickers', `bid = 102`, 'bid_is_not_above_ask'],
	['feeds', `claimed_by = 'w'`, 'feed_claim_has_an_end'],
	['checks', `outcome = 'QUEUED', signal_id = null`, 'queued_check_has_its_signal'],
	['checks', `outcome = 'FAILED', error = null`, 'failed_check_has_its_error'],
	['checks', `decision = 'MAYBE'`, 'decision_is_known'],
	['instruments', `settle_asset = 'EUR', market_type = 'SPOT'`, 'spot_settles_in_quote'],
	['instruments', `lot_size = 0`, 'price_is_positive_and_finite'],
	['installation', `singleton = false`, 'installation_is_one_row'],
];

test('each of them is refused by its constraint', async () => {
	await prepare();
	const client = await books.pool.connect();
	try {
		await client.query('begin');
		for (const [rows, change, refusedBy] of illegal) {
			const [table, condition] = rows.split(' where ');
			await client.query('savepoint before');
			const told = `${rows}: ${change}`;
			const error = await client
				.query(`update botbox.${table} set ${change} ${condition ? `where ${condition}` : ''}`)
				.then(
					({ rowCount }) => `accepted by ${rowCount} rows`,
					(refusal: { constraint?: string; message: string }) => refusal.constraint ?? refusal.message,
				);
			await client.query('rollback to savepoint before');
			expect(error, told).toMatch(new RegExp(refusedBy));
		}
	} finally {
		await client.query('rollback');
		client.release();
	}
});

test('every check constraint and partial unique index of the state machines is in the list', async () => {
	const machines = [
		'bots',
		'signals',
		'trade_queue',
		'orders',
		'positions',
		'rollout_steps',
		'circuit_breakers',
		'order_transitions',
		'pauses',
		'rate_limits',
		'accounts',
		'candles',
	];
	const { rows } = await books.pool.query<{ name: string; definition: string }>(
		`select conname as name, pg_get_constraintdef(oid) as definition from pg_constraint
		where contype = 'c' and connamespace = 'botbox'::regnamespace and conrelid::regclass::text = any ($1)
		union all
		select c.relname, '' from pg_index i join pg_class c on c.oid = i.indexrelid
		where i.indisunique and i.indpred is not null and i.indrelid::regclass::text = any ($1)`,
		[machines],
	);
	const covered = illegal.map(([, , refusedBy]) => refusedBy);
	// Bounds of settings; the upper end of a list that the lower end already shows.
	const settings = /_is_sane|_is_short|_are_not_negative|_is_not_negative|_is_positive|one_open_per_bot/;
	const missing = rows.filter(({ name }) => !covered.includes(name) && !settings.test(name)).map(({ name }) => name);
	expect(missing).toEqual([]);
});

test('a bot has one open position per instrument, a subject one open alert per code', async () => {
	await prepare();
	await expect(
		books.pool.query(`insert into positions (bot_id, account_id, instrument_id, direction, quantity, entered_quantity, average_entry_price, opened_at)
			select bot_id, account_id, instrument_id, 'LONG', 1, 1, 1, now() from positions`),
	).rejects.toThrow(/positions_one_open_per_bot/);
	await expect(
		books.pool.query(`insert into alerts (code, severity, subject, message) values ('TEST', 'INFO', 'x', 'again')`),
	).rejects.toThrow(/alerts_one_open_per_subject/);
});

test.each(['strategy_versions', 'fills', 'ledger_entries', 'audit_log'])(
	'rows of %s never change and never go',
	async (table) => {
		await prepare();
		expect((await books.pool.query(`select from ${table}`)).rowCount).toBeGreaterThan(0);
		const column = {
			strategy_versions: 'history = 6',
			fills: 'price = 1',
			ledger_entries: 'amount = 1',
			audit_log: `actor = 'nobody'`,
		}[table];
		await expect(books.pool.query(`update ${table} set ${column}`)).rejects.toThrow(/never change/);
		await expect(books.pool.query(`delete from ${table}`)).rejects.toThrow(/never change/);
	},
);

test('a fill is unique per account, instrument, exchange order and fill id', async () => {
	await prepare();
	await expect(
		books.pool.query(
			`insert into fills (account_id, instrument_id, order_id, position_id, exchange_order_id, exchange_fill_id, side, quantity, price, fee_asset, filled_at)
			select account_id, instrument_id, order_id, position_id, exchange_order_id, exchange_fill_id, 'SELL', 2, 3, 'USDT', $1 from fills`,
			[after(9)],
		),
	).rejects.toThrow(/fills_booked_once/);
});
