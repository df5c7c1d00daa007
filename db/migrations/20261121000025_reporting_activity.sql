-- migrate:up
create table botbox.check_minutes (
  minute_at timestamptz primary key constraint check_minute_is_whole check (minute_at = date_bin(interval '1 minute', minute_at, 'epoch'::timestamptz)),
  due integer not null constraint due_checks_are_not_negative check (due >= 0),
  in_time integer not null,
  answered integer not null,
  checks integer not null constraint minute_checks_are_not_negative check (checks >= 0),
  manual integer not null,
  no_signal integer not null,
  queued integer not null,
  rejected integer not null,
  repeated integer not null,
  stale_data integer not null,
  insufficient_history integer not null,
  inactive integer not null,
  failed integer not null,
  timed_out integer not null,
  dry_run integer not null,
  duration_ms_total double precision not null,
  duration_ms_max double precision not null,
  late_ms_max double precision not null,
  constraint answered_were_in_time check (answered between 0 and in_time),
  constraint in_time_were_due check (in_time <= due),
  constraint minute_says_something check (due > 0 or checks > 0),
  constraint outcomes_sum_to_checks check (
    no_signal + queued + rejected + repeated + stale_data + insufficient_history + inactive + failed + timed_out + dry_run = checks
  )
);
comment on table botbox.check_minutes is
  'What was due and what was recorded in each minute, all bots together: so that a month of uptime and activity is read from 43,200 rows. Written by record_check_minutes.';

create view reporting.uptime as
with overdue as (
  -- What nobody has checked yet is missing from the counted minutes: without it an outage would show only once it is over.
  select date_bin(interval '1 minute', greatest(b.next_check_at, b.created_at), 'epoch'::timestamptz) as from_at, b.interval_minutes, count(*) as bots
    from botbox.bots b
   where b.status = 'ACTIVE'
     and greatest(b.next_check_at, b.created_at) < date_bin(interval '1 minute', now() - interval '2 minutes', 'epoch'::timestamptz)
   group by 1, 2
),
counted as (
  select coalesce(max(m.minute_at), '-infinity') as until_at from botbox.check_minutes m
),
minutes as (
  select m.minute_at, m.due::bigint as due, m.in_time, m.answered
    from botbox.check_minutes m
   where m.due > 0
  union all
  select p.minute_at, sum(o.bots)::bigint, 0, 0
    from overdue o
   cross join counted c
   cross join lateral generate_series(
           o.from_at,
           date_bin(interval '1 minute', now() - interval '3 minutes', 'epoch'::timestamptz),
           make_interval(mins => o.interval_minutes)
         ) as p (minute_at)
   where p.minute_at > c.until_at
   group by p.minute_at
)
select date_bin(interval '1 hour', m.minute_at, 'epoch'::timestamptz) as hour_at,
       count(*) as minutes_due, count(*) filter (where m.in_time >= m.due) as minutes_covered,
       count(*) filter (where m.in_time >= m.due)::double precision / count(*) as uptime,
       sum(m.due)::bigint as checks_due, sum(m.in_time)::bigint as checks_in_time, sum(m.answered)::bigint as checks_answered,
       sum(m.answered)::double precision / sum(m.due) as bot_uptime
  from minutes m
 group by date_bin(interval '1 hour', m.minute_at, 'epoch'::timestamptz);
comment on view reporting.uptime is
  'Whether due bots were checked, within two minutes of being due; one row per hour in which a bot was due. Minutes in which none was due count neither way.';

create view reporting.check_activity_hourly as
select date_bin(interval '1 hour', m.minute_at, 'epoch'::timestamptz) as hour_at,
       sum(m.checks)::bigint as checks, sum(m.manual)::bigint as manual, sum(m.no_signal)::bigint as no_signal, sum(m.queued)::bigint as queued,
       sum(m.rejected)::bigint as rejected, sum(m.repeated)::bigint as repeated, sum(m.stale_data)::bigint as stale_data,
       sum(m.insufficient_history)::bigint as insufficient_history, sum(m.inactive)::bigint as inactive, sum(m.failed)::bigint as failed,
       sum(m.timed_out)::bigint as timed_out, sum(m.dry_run)::bigint as dry_run,
       sum(m.failed + m.timed_out)::double precision / nullif(sum(m.checks), 0) as failure_rate,
       sum(m.duration_ms_total) / nullif(sum(m.checks), 0) as duration_ms_mean, max(m.duration_ms_max) as duration_ms_max,
       max(m.late_ms_max) as late_ms_max
  from botbox.check_minutes m
 where m.checks > 0
 group by date_bin(interval '1 hour', m.minute_at, 'epoch'::timestamptz);
comment on view reporting.check_activity_hourly is
  'Checks of all bots by the hour in which they were recorded, with their outcomes; one row per hour with checks. Up to two minutes ago: before, a minute is not over yet.';

create view reporting.signal_acceptance as
select d.day_at, st.name as strategy, a.mode as account_mode, sum(d.signals)::bigint as signals, sum(d.accepted)::bigint as accepted,
       sum(d.rejected)::bigint as rejected, (sum(d.accepted) / sum(d.signals))::double precision as acceptance_rate,
       (sum(d.rejected) / sum(d.signals))::double precision as rejection_rate, sum(d.entries)::bigint as entries,
       sum(d.entries_rejected)::bigint as entries_rejected
  from (
         -- Counted before anything is joined: a few hundred rows instead of a month of signals.
         select date_bin(interval '1 day', s.created_at, 'epoch'::timestamptz) as day_at, s.strategy_version_id, s.account_id,
                count(*) as signals, count(*) filter (where s.status = 'QUEUED') as accepted, count(*) filter (where s.status = 'REJECTED') as rejected,
                count(*) filter (where s.direction <> 'CLOSE') as entries,
                count(*) filter (where s.direction <> 'CLOSE' and s.status = 'REJECTED') as entries_rejected
           from botbox.signals s
          where s.created_at > now() - interval '30 days'
          group by 1, 2, 3
       ) d
  join botbox.strategy_versions v on v.id = d.strategy_version_id
  join botbox.strategies st on st.id = v.strategy_id
  join botbox.accounts a on a.id = d.account_id
 group by d.day_at, st.name, a.mode;
comment on view reporting.signal_acceptance is
  'How many signals of the last 30 days were accepted; one row per UTC day, strategy and account mode. Rejecting 20 to 40% is healthy.';

create view reporting.signal_capture as
select d.day_at, st.name as strategy, a.mode as account_mode, sum(d.accepted)::bigint as accepted, sum(d.executed)::bigint as executed,
       sum(d.waiting)::bigint as waiting, sum(d.expired)::bigint as expired, sum(d.cancelled)::bigint as cancelled, sum(d.failed)::bigint as failed,
       (sum(d.executed) / nullif(sum(d.accepted - d.waiting), 0))::double precision as capture_rate
  from (
         select date_bin(interval '1 day', t.queued_at, 'epoch'::timestamptz) as day_at, t.strategy_version_id, t.account_id,
                -- Where the trade names no version, its bot's is taken.
                case when t.strategy_version_id is null then t.bot_id end as bot_id,
                count(*) as accepted, count(*) filter (where t.status = 'EXECUTED') as executed,
                count(*) filter (where t.status in ('PENDING', 'EXECUTING', 'PARKED')) as waiting,
                count(*) filter (where t.status = 'EXPIRED') as expired, count(*) filter (where t.status = 'CANCELLED') as cancelled,
                count(*) filter (where t.status = 'FAILED') as failed
           from botbox.trade_queue t
          where t.queued_at > now() - interval '30 days'
          group by 1, 2, 3, 4
       ) d
  left join botbox.bots b on b.id = d.bot_id
  join botbox.strategy_versions v on v.id = coalesce(d.strategy_version_id, b.strategy_version_id)
  join botbox.strategies st on st.id = v.strategy_id
  join botbox.accounts a on a.id = d.account_id
 group by d.day_at, st.name, a.mode;
comment on view reporting.signal_capture is
  'What became of the accepted signals of the last 30 days; one row per UTC day, strategy and account mode. More than 90% executed is healthy.';

create view reporting.queue_status as
select i.exchange_id, t.status, count(*) as trades, count(*) filter (where t.direction <> 'CLOSE') as entries,
       count(*) filter (where t.direction = 'CLOSE') as closes, sum(t.reserved_capital) as reserved_capital, min(t.queued_at) as oldest_queued_at,
       extract(epoch from now() - min(t.queued_at))::double precision as oldest_seconds
  from botbox.trade_queue t
  join botbox.instruments i on i.id = t.instrument_id
 where t.status in ('PENDING', 'EXECUTING', 'PARKED')
    or t.queued_at > now() - interval '24 hours'
 group by i.exchange_id, t.status;
comment on view reporting.queue_status is
  'The queue by state: all trades that wait or are under way, and those of the last 24 hours that have ended; one row per exchange and state.';

create view reporting.execution_latency as
select date_bin(interval '1 hour', t.queued_at, 'epoch'::timestamptz) as hour_at, i.exchange_id, count(*) as trades,
       percentile_cont(0.5) within group (order by l.waited_ms) as waited_ms_p50,
       percentile_cont(0.95) within group (order by l.waited_ms) as waited_ms_p95,
       percentile_cont(0.5) within group (order by l.answered_ms) as answered_ms_p50,
       percentile_cont(0.95) within group (order by l.answered_ms) as answered_ms_p95,
       percentile_cont(0.5) within group (order by l.total_ms) as total_ms_p50,
       percentile_cont(0.95) within group (order by l.total_ms) as total_ms_p95, max(l.total_ms) as total_ms_max
  from botbox.trade_queue t
  join botbox.instruments i on i.id = t.instrument_id
  left join botbox.orders o on o.trade_id = t.id
 cross join lateral (
         select extract(epoch from o.sent_at - t.queued_at)::double precision * 1000 as waited_ms,
                extract(epoch from t.acknowledged_at - o.sent_at)::double precision * 1000 as answered_ms,
                extract(epoch from t.acknowledged_at - t.queued_at)::double precision * 1000 as total_ms
       ) l
 where t.queued_at > now() - interval '7 days'
   and t.acknowledged_at is not null
 group by 1, 2;
comment on view reporting.execution_latency is
  'How long trades of the last 7 days took from queueing to acknowledgement; one row per hour and exchange with such trades.';

create view reporting.fill_quality as
select o.id as order_id, o.trade_id, o.created_at, o.bot_id, b.name as bot, st.name as strategy, a.name as account, a.mode as account_mode,
       i.exchange_id, i.symbol, o.purpose, o.side, o.status, o.quantity, o.filled_quantity,
       (o.filled_quantity / o.quantity)::double precision as filled_share,
       o.expected_price, o.average_price,
       (o.average_price - o.expected_price) / o.expected_price * 10000 * case o.side when 'BUY' then 1 else -1 end as slippage_bps,
       (o.average_price - o.expected_price) * o.filled_quantity * i.contract_size * case o.side when 'BUY' then 1 else -1 end as slippage,
       o.average_price * o.filled_quantity * i.contract_size as notional,
       (select count(*) from botbox.fills f where f.order_id = o.id) as fills,
       (extract(epoch from o.acknowledged_at - o.sent_at) * 1000)::double precision as acknowledged_after_ms
  from botbox.orders o
  join botbox.bots b on b.id = o.bot_id
  join botbox.accounts a on a.id = o.account_id
  join botbox.instruments i on i.id = o.instrument_id
  left join botbox.positions p on p.id = o.position_id
  join botbox.strategy_versions v on v.id = coalesce(p.strategy_version_id, b.strategy_version_id)
  join botbox.strategies st on st.id = v.strategy_id
 where o.filled_quantity > 0;
comment on view reporting.fill_quality is
  'Orders that were filled, against the price that was decided on; one row per order. Slippage above zero is money lost.';

create view reporting.round_trips as
select p.id as position_id, p.bot_id, b.name as bot, st.name as strategy, v.version as strategy_version, p.account_id, a.name as account,
       a.mode as account_mode, a.settle_asset, i.exchange_id, i.symbol, p.direction, p.opened_at, p.closed_at,
       extract(epoch from p.closed_at - p.opened_at)::double precision as held_seconds,
       p.entered_quantity as quantity, p.average_entry_price as entry_price, p.average_exit_price as exit_price,
       p.entered_quantity * p.average_entry_price * i.contract_size as entry_notional,
       p.realised_pnl as gross_pnl, p.fees, p.funding, p.realised_pnl - p.fees + p.funding as net_pnl,
       (p.realised_pnl - p.fees + p.funding) / nullif(p.entered_quantity * p.average_entry_price * i.contract_size, 0) as net_return,
       p.realised_pnl - p.fees + p.funding > 0 as is_won,
       (
         select t.trigger_reason
           from botbox.trade_queue t
          where t.position_id = p.id
            and t.status = 'EXECUTED'
          order by t.queued_at desc
          limit 1
       ) as exit_reason
  from botbox.positions p
  join botbox.bots b on b.id = p.bot_id
  join botbox.accounts a on a.id = p.account_id
  join botbox.instruments i on i.id = p.instrument_id
  join botbox.strategy_versions v on v.id = coalesce(p.strategy_version_id, b.strategy_version_id)
  join botbox.strategies st on st.id = v.strategy_id
 where p.status = 'CLOSED';
comment on view reporting.round_trips is
  'Positions from their first entry to their last exit, in the settlement asset; one row per closed position. What other tools call a trade.';

create view reporting.economics as
select p.id as position_id, p.bot_id, b.name as bot, st.name as strategy, a.name as account, a.mode as account_mode, a.settle_asset, i.exchange_id,
       i.symbol, p.direction, p.status, p.opened_at, p.closed_at, n.entry_notional, p.realised_pnl as gross_pnl, p.fees, p.funding, x.slippage,
       p.realised_pnl - p.fees + p.funding as net_pnl,
       p.realised_pnl / n.entry_notional * 10000 as gross_bps, p.fees / n.entry_notional * 10000 as fees_bps,
       p.funding / n.entry_notional * 10000 as funding_bps, x.slippage / n.entry_notional * 10000 as slippage_bps,
       (p.realised_pnl - p.fees + p.funding) / n.entry_notional * 10000 as net_bps
  from botbox.positions p
  join botbox.bots b on b.id = p.bot_id
  join botbox.accounts a on a.id = p.account_id
  join botbox.instruments i on i.id = p.instrument_id
  join botbox.strategy_versions v on v.id = coalesce(p.strategy_version_id, b.strategy_version_id)
  join botbox.strategies st on st.id = v.strategy_id
 cross join lateral (
         select nullif(p.entered_quantity * p.average_entry_price * i.contract_size, 0) as entry_notional
       ) n
 cross join lateral (
         select coalesce(sum((o.average_price - o.expected_price) * o.filled_quantity * i.contract_size * case o.side when 'BUY' then 1 else -1 end), 0) as slippage
           from botbox.orders o
          where o.position_id = p.id
            and o.filled_quantity > 0
       ) x;
comment on view reporting.economics is
  'What each position earned and what it cost, in the settlement asset and in basis points of its entries; one row per position. Gross profit is after slippage and before fees and funding.';

create view reporting.exchange_usage as
select r.exchange_id, r.scope, r.scope_key, r.bucket, r.published_limit, (r.window_ms / 1000.0)::double precision as window_seconds,
       -- The exchange's own figure while it is of the present window; else from our bucket: an empty one grants 80% of the limit.
       case
         when r.reported_at > now() - make_interval(secs => r.window_ms / 1000.0) then r.reported_used / r.published_limit
         else 0.8 * (1 - least(1, (r.tokens + extract(epoch from now() - r.refilled_at) * r.refill_per_second) / r.capacity))
       end::double precision as used_share,
       r.granted_count as granted, r.denied_count as denied,
       r.denied_count::double precision / nullif(r.granted_count + r.denied_count, 0) as denied_share,
       r.blocked_until, r.block_reason, r.reported_used, r.reported_at
  from botbox.rate_limits r;
comment on view reporting.exchange_usage is
  'How much of each published request limit is in use; one row per exchange, scope, key and bucket.';

-- migrate:down
drop view reporting.exchange_usage, reporting.economics, reporting.round_trips, reporting.fill_quality, reporting.execution_latency,
  reporting.queue_status, reporting.signal_capture, reporting.signal_acceptance, reporting.check_activity_hourly, reporting.uptime;
drop table botbox.check_minutes;
