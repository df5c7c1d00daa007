/**
 * What must hold within botbox's own books, each as a query that finds the rows which break it. The rules are written here a
 * second time, independent of the functions that are to keep them.
 */
import type { Pool } from '../../src/database/pool.ts';

/** One broken promise: `rows` break it, the first few are named. */
export interface Finding {
	readonly rule: string;
	readonly rows: number;
	readonly samples: readonly string[];
}

export function finding(rule: string, broken: readonly unknown[]): Finding[] {
	if (broken.length === 0) return [];
	return [{ rule, rows: broken.length, samples: broken.slice(0, 3).map((row) => JSON.stringify(row)) }];
}

/** A rule with what breaks it, up to five of them shown. */
export function broken(rule: string, samples: readonly unknown[]): Finding[] {
	if (samples.length === 0) return [];
	return [{ rule, rows: samples.length, samples: samples.slice(0, 5).map((sample) => JSON.stringify(sample)) }];
}

const rules: Readonly<Record<string, string>> = {
	'no duplicate signal hash': `
		select hash, count(*) from botbox.signals group by hash having count(*) > 1`,
	'no duplicate trade of a signal': `
		select signal_hash, count(*) from botbox.trade_queue group by signal_hash having count(*) > 1`,
	'every accepted signal has its trade': `
		select s.id, s.status from botbox.signals s left join botbox.trade_queue t on t.id = s.trade_id and t.signal_id = s.id
		 where s.status = 'QUEUED' and t.id is null`,
	'every trade has its accepted signal': `
		select t.id, t.signal_id from botbox.trade_queue t left join botbox.signals s on s.id = t.signal_id and s.status = 'QUEUED'
		 where s.id is null`,
	'every check that queued has its signal': `
		select c.bot_id, c.due_at from botbox.checks c
		  left join botbox.signals s on s.id = c.signal_id and s.trade_id = c.trade_id
		 where c.outcome = 'QUEUED' and s.id is null`,
	'every trade has ended, or is parked under an alert': `
		select t.id, t.status, t.direction, t.attempts, t.next_attempt_at, o.status as order_status, o.unknown_since
		  from botbox.trade_queue t left join botbox.orders o on o.trade_id = t.id
		 where t.finished_at is null
		   and not (t.status = 'PARKED' and exists (
		     select from botbox.alerts a where a.code = 'ORDER_UNKNOWN' and a.details ->> 'trade_id' = t.id::text))`,
	'every executed trade has fills, no other has': `
		select t.id, t.status, count(f.id) from botbox.trade_queue t
		  left join botbox.orders o on o.trade_id = t.id left join botbox.fills f on f.order_id = o.id
		 where t.finished_at is not null
		 group by t.id having (t.status = 'EXECUTED') <> (count(f.id) > 0)`,
	'every trade without a fill says why': `
		select id, status from botbox.trade_queue where finished_at is not null and status <> 'EXECUTED' and reason_code is null`,
	'every order has ended': `
		select id, status, send_count, client_order_id, unknown_since, next_query_at from botbox.orders where finished_at is null`,
	'an order filled what its fills sum to': `
		select o.id, o.filled_quantity, sum(f.quantity) from botbox.orders o left join botbox.fills f on f.order_id = o.id
		 group by o.id having o.filled_quantity <> coalesce(sum(f.quantity), 0)`,
	'a position holds what its fills sum to': `
		select p.id, p.quantity, p.dust_quantity,
		       sum(case f.side when 'BUY' then f.quantity else -f.quantity end) * case p.direction when 'LONG' then 1 else -1 end as net
		  from botbox.positions p join botbox.fills f on f.position_id = p.id join botbox.instruments i on i.id = p.instrument_id
		 where i.market_type = 'LINEAR'
		 group by p.id
		having p.quantity + p.dust_quantity
		       <> sum(case f.side when 'BUY' then f.quantity else -f.quantity end) * case p.direction when 'LONG' then 1 else -1 end`,
	'the ledger sums to the booked balances': `select * from botbox.check_ledger()`,
	'nothing is reserved for trades that ended': `
		select id from botbox.trade_queue where finished_at is not null and reserved_capital <> 0`,
	'no claim outlives its lease': `
		select id, claimed_by, claimed_until from botbox.bots where claimed_until < now() - interval '2 minutes'`,
	'no alert says that the books are wrong': `
		select code, subject, message from botbox.alerts
		 where resolved_at is null
		   and (code like 'RECONCILIATION%' or code in ('LEDGER_BROKEN', 'ORDER_UNKNOWN', 'CLOSE_FAILED', 'FOREIGN_FILL', 'BREAKER_OPEN'))`,
	// Whatever faults there were, none of them takes a row away: such an alert has no excuse, resolved or not.
	'no alert ever says that an order or a fill was lost': `
		select code, subject, message, resolved_at from botbox.alerts where code in ('LOST_FILL', 'RECONCILIATION_LOST_ORDER')`,
	'every paper order has its row': `
		select p.client_order_id from botbox.paper_orders p left join botbox.orders o on o.client_order_id = p.client_order_id
		 where o.id is null or o.filled_quantity <> p.quantity or o.exchange_order_id <> 'paper-' || p.id`,
	'paper positions are those of the paper venue': `
		select a.id, coalesce(b.symbol, v.symbol) as symbol, b.net as booked, v.quantity as venue
		  from botbox.accounts a
		 cross join lateral (
		   select coalesce(x.symbol, y.symbol) as symbol from
		     (select i.symbol from botbox.positions p join botbox.instruments i on i.id = p.instrument_id
		       where p.account_id = a.id and p.status = 'OPEN' and i.market_type = 'LINEAR' group by i.symbol) x
		     full join (select f.symbol from botbox.find_paper_positions(a.id) f) y on y.symbol = x.symbol) k
		  left join lateral (
		   select i.symbol, sum(case p.direction when 'LONG' then p.quantity else -p.quantity end) as net
		     from botbox.positions p join botbox.instruments i on i.id = p.instrument_id
		    where p.account_id = a.id and p.status = 'OPEN' and i.symbol = k.symbol group by i.symbol) b on true
		  left join botbox.find_paper_positions(a.id) v on v.symbol = k.symbol
		 where a.mode = 'PAPER' and coalesce(b.net, 0) <> coalesce(v.quantity::numeric, 0)`,
	// Cash less what open positions cost, as in the comparison with the exchange.
	'paper balances are those of the paper venue': `
		select b.asset, b.booked - ours.cost as booked, v.quantity::numeric - theirs.cost as venue
		  from botbox.accounts a join botbox.account_balances b on b.account_id = a.id
		  left join botbox.find_paper_balances(a.id) v on v.asset = b.asset
		 cross join lateral (
		   select coalesce(sum(case p.direction when 'LONG' then 1 else -1 end * p.quantity * p.average_entry_price), 0) as cost
		     from botbox.positions p join botbox.instruments i on i.id = p.instrument_id
		    where p.account_id = a.id and p.status = 'OPEN' and i.market_type = 'LINEAR' and i.settle_asset = b.asset) ours
		 cross join lateral (
		   select coalesce(sum(f.quantity::numeric * f.entry_price::numeric), 0) as cost
		     from botbox.find_paper_positions(a.id) f where b.asset = a.settle_asset) theirs
		 where a.mode = 'PAPER' and abs(b.booked - ours.cost - coalesce(v.quantity::numeric - theirs.cost, 0)) > 1e-6`,
};

export async function inspectBooks(pool: Pool): Promise<Finding[]> {
	const findings: Finding[] = [];
	for (const [rule, sql] of Object.entries(rules)) findings.push(...finding(rule, (await pool.query(sql)).rows));
	return findings;
}

/** Bots without a scheduled check since `since`. */
export async function findUnchecked(pool: Pool, since: Date): Promise<Finding[]> {
	const { rows } = await pool.query(
		`select b.id, b.next_check_at, b.claimed_until, b.last_check_at from botbox.bots b
		  where b.status = 'ACTIVE'
		    and not exists (select from botbox.checks c where c.bot_id = b.id and c.kind = 'SCHEDULED' and c.recorded_at >= $1)`,
		[since],
	);
	return finding('every active bot was checked since then', rows);
}
