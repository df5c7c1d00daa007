-- migrate:up
create view reporting.data_freshness as
select f.instrument_id, i.exchange_id, i.symbol, f.fetched_at, extract(epoch from now() - f.fetched_at)::double precision as lag_seconds,
       f.last_candle_at,
       exists (select from botbox.bots b where b.instrument_id = f.instrument_id and b.status = 'ACTIVE')
         or exists (
              select
                from botbox.bot_legs g
                join botbox.bots b on b.id = g.bot_id
               where g.instrument_id = f.instrument_id
                 and b.status = 'ACTIVE'
            ) as is_followed,
       f.consecutive_failures, f.last_error, f.refused_rows, f.next_fetch_at
  from botbox.feeds f
  join botbox.instruments i on i.id = f.instrument_id;
comment on view reporting.data_freshness is 'How fresh the candles of each followed instrument are; one row per feed. Feeds that no living bot has as a leg rest.';

create view reporting.exchange_health as
select e.id as exchange_id, e.title, k.state as breaker_state, k.consecutive_failures, k.last_error, k.probe_at, k.changed_at,
       e.clock_offset_ms, u.used_share, u.blocked_until, coalesce(u.granted, 0) as granted, coalesce(u.denied, 0) as denied,
       f.data_fetched_at, f.data_lag_seconds, f.feeds, f.feeds_failing
  from botbox.exchanges e
  join botbox.circuit_breakers k on k.exchange_id = e.id
  left join lateral (
         -- The exchange's own figure while it is of the present window; else from our bucket: an empty one grants 80% of the limit.
         select max(case
                      when r.reported_at > now() - make_interval(secs => r.window_ms / 1000.0) then r.reported_used / r.published_limit
                      else 0.8 * (1 - least(1, (r.tokens + extract(epoch from now() - r.refilled_at) * r.refill_per_second) / r.capacity))
                    end)::double precision as used_share,
                max(r.blocked_until) filter (where r.blocked_until > now()) as blocked_until,
                sum(r.granted_count)::bigint as granted, sum(r.denied_count)::bigint as denied
           from botbox.rate_limits r
          where r.exchange_id = e.id
       ) u on true
 cross join lateral (
         select max(d.fetched_at) as data_fetched_at, max(d.lag_seconds) filter (where d.is_followed) as data_lag_seconds,
                count(*) filter (where d.is_followed) as feeds, count(*) filter (where d.is_followed and d.consecutive_failures > 0) as feeds_failing
           from reporting.data_freshness d
          where d.exchange_id = e.id
       ) f
 where exists (select from botbox.instruments i where i.exchange_id = e.id);
comment on view reporting.exchange_health is 'Breaker, limiter use and data freshness of the exchanges in use; one row per exchange.';

create view reporting.worker_status as
select w.id as worker_id, w.host, w.process_id, w.roles, w.version, w.started_at, w.heartbeat_at, w.stopped_at, w.figures,
       case when w.stopped_at is not null then 'STOPPED' when w.heartbeat_at < now() - interval '30 seconds' then 'LOST' else 'RUNNING' end as status
  from botbox.workers w;
comment on view reporting.worker_status is 'Worker processes and whether they are heard; one row per process.';

create view reporting.alerts as
select a.id as alert_id, a.code, a.severity, a.subject, a.message, a.details, a.occurrences, a.opened_at, a.last_seen_at,
       a.acknowledged_at, a.acknowledged_by, a.resolved_at, a.resolved_at is null as is_open
  from botbox.alerts a;
comment on view reporting.alerts is 'Alerts, open and resolved; one row per alert.';

create view reporting.pauses as
select p.id as pause_id, p.scope, p.exchange_id, p.account_id, p.bot_id, p.reason, p.created_by, p.created_at, p.lifts_at, p.lifted_at, p.lifted_by,
       p.lifted_at is null and (p.lifts_at is null or p.lifts_at > now()) as is_in_force
  from botbox.pauses p;
comment on view reporting.pauses is 'Pauses of entries, in force and lifted; one row per pause.';

create view reporting.candles as
select c.instrument_id, i.exchange_id, i.symbol, c.timeframe, c.open_at, c.open, c.high, c.low, c.close, c.volume, c.is_native
  from botbox.candles c
  join botbox.instruments i on i.id = c.instrument_id;
comment on view reporting.candles is 'Closed candles; one row per instrument, timeframe and opening time.';

create view reporting.candle_gaps as
select k.instrument_id, i.exchange_id, i.symbol, k.timeframe, k.open_at + t.length as gap_from, k.next_at as gap_to,
       (extract(epoch from k.next_at - k.open_at) / extract(epoch from t.length))::bigint - 1 as missing,
       case when g.confirmed_at is not null then 'CONFIRMED' else 'OPEN' end as state,
       coalesce(g.attempts, 0) as attempts, g.tried_at, g.confirmed_at
  from (
         -- In the order of the primary key, so that nothing is sorted: a year of minutes of one instrument takes a fraction of a second.
         select c.instrument_id, c.timeframe, c.open_at,
                lead(c.open_at) over (partition by c.instrument_id, c.timeframe order by c.open_at) as next_at
           from botbox.candles c
       ) k
  join (values
         ('1m'::botbox.timeframe, interval '1 minute'), ('5m', interval '5 minutes'), ('15m', interval '15 minutes'),
         ('1h', interval '1 hour'), ('4h', interval '4 hours'), ('1d', interval '1 day')
       ) as t (timeframe, length) on t.timeframe = k.timeframe
  join botbox.instruments i on i.id = k.instrument_id
  left join botbox.candle_gaps g
    on g.instrument_id = k.instrument_id
   and g.timeframe = k.timeframe
   and g.gap_from = k.open_at + t.length
   and g.gap_to = k.next_at
 where k.next_at > k.open_at + t.length;
comment on view reporting.candle_gaps is
  'Moments between stored candles for which there is none, counted from the candles themselves; one row per instrument, timeframe and gap. Nothing is ever filled in.';

create view reporting.funding_rates as
select f.instrument_id, i.exchange_id, i.symbol, f.funding_at, f.rate, f.recorded_at
  from botbox.funding_rates f
  join botbox.instruments i on i.id = f.instrument_id;
comment on view reporting.funding_rates is 'Funding rates of perpetuals; one row per instrument and funding time.';

create view reporting.check_hours as
select h.bot_id, b.name as bot, h.hour_at, h.outcome, sum(h.checks)::bigint as checks,
       sum(h.duration_ms_total) / sum(h.checks) as duration_ms_mean, max(h.duration_ms_max) as duration_ms_max, max(h.late_ms_max) as late_ms_max
  from (
         select x.bot_id, x.hour_at, x.outcome, x.checks::bigint as checks, x.duration_ms_total, x.duration_ms_max, x.late_ms_max
           from botbox.check_hours x
         union all
         -- Checks that are still there are counted as they lie; a check is in one of the two, never in both.
         select c.bot_id, date_bin(interval '1 hour', c.due_at, 'epoch'::timestamptz), c.outcome, count(*), sum(c.duration_ms::double precision),
                max(c.duration_ms::double precision),
                max(greatest(extract(epoch from c.recorded_at - c.due_at) * 1000, 0)::double precision)
           from botbox.checks c
          group by c.bot_id, date_bin(interval '1 hour', c.due_at, 'epoch'::timestamptz), c.outcome
       ) h
  join botbox.bots b on b.id = h.bot_id
 group by h.bot_id, b.name, h.hour_at, h.outcome;
comment on view reporting.check_hours is
  'Checks by bot, hour of their due time and outcome, also of those that are gone by now; one row per bot, hour and outcome. Ask it for one bot: it adds up whatever it is asked for at every look. All bots by hour are in check_activity_hourly.';

create view reporting.strategies as
select s.id as strategy_id, s.name, s.title, s.default_interval_minutes, v.id as strategy_version_id, v.version, v.timeframe, v.history,
       v.favourable_regimes, v.max_lots, v.parameters, v.created_at,
       (select count(*) from botbox.bots b where b.strategy_version_id = v.id and b.status = 'ACTIVE') as active_bots
  from botbox.strategies s
  join botbox.strategy_versions v on v.strategy_id = s.id;
comment on view reporting.strategies is 'Strategies and their versions; one row per version.';

-- Closed positions come summed, a row a bot and version; open ones are summed before anything is joined.
create view reporting.strategy_performance as
select s.id as strategy_id, s.name as strategy, v.id as strategy_version_id, v.version as strategy_version, v.created_at,
       b.bots, b.active_bots, c.checks_hour, c.checks_repeated_hour, g.signals_day, g.accepted_day, g.rejected_day, t.trades_day, t.executed_day,
       coalesce(p.open_positions, 0) as open_positions, coalesce(p.closed_positions, 0) as closed_positions, coalesce(p.won, 0) as won,
       coalesce(p.lost, 0) as lost, coalesce(p.net_pnl_live, 0) as net_pnl_live, coalesce(p.net_pnl_paper, 0) as net_pnl_paper,
       coalesce(p.fees, 0) as fees, p.settle_asset
  from botbox.strategy_versions v
  join botbox.strategies s on s.id = v.strategy_id
 cross join lateral (
         select count(*) filter (where x.status <> 'DELETED') as bots, count(*) filter (where x.status = 'ACTIVE') as active_bots
           from botbox.bots x
          where x.strategy_version_id = v.id
       ) b
 -- Of the hour only: a day of checks of many bots is too much to count at every look.
  left join (
         select x.strategy_version_id, count(*) as checks_hour, count(*) filter (where x.is_repeated) as checks_repeated_hour
           from botbox.checks x
          where x.recorded_at > now() - interval '1 hour'
            and x.due_at > now() - interval '2 hours'
          group by x.strategy_version_id
       ) c on c.strategy_version_id = v.id
  left join (
         select x.strategy_version_id, count(*) as signals_day, count(*) filter (where x.status = 'QUEUED') as accepted_day,
                count(*) filter (where x.status = 'REJECTED') as rejected_day
           from botbox.signals x
          where x.created_at > now() - interval '24 hours'
          group by x.strategy_version_id
       ) g on g.strategy_version_id = v.id
  left join (
         select x.strategy_version_id, count(*) as trades_day, count(*) filter (where x.status = 'EXECUTED') as executed_day
           from botbox.trade_queue x
          where x.queued_at > now() - interval '24 hours'
          group by x.strategy_version_id
       ) t on t.strategy_version_id = v.id
  left join (
         select x.strategy_version_id, sum(x.open_positions)::bigint as open_positions, sum(x.closed_positions)::bigint as closed_positions,
                sum(x.won)::bigint as won, sum(x.closed_positions - x.won)::bigint as lost,
                coalesce(sum(x.net_pnl) filter (where a.mode = 'LIVE'), 0) as net_pnl_live,
                coalesce(sum(x.net_pnl) filter (where a.mode = 'PAPER'), 0) as net_pnl_paper, sum(x.fees) as fees,
                case when count(distinct a.settle_asset) = 1 then min(a.settle_asset) end as settle_asset
           from (
                  select y.strategy_version_id, y.account_id, 0 as open_positions, y.closed_positions, y.won,
                         y.realised_pnl - y.fees + y.funding as net_pnl, y.fees
                    from botbox.position_totals y
                  union all
                  select y.strategy_version_id, y.account_id, count(*), 0, 0, sum(y.realised_pnl - y.fees + y.funding), sum(y.fees)
                    from botbox.positions y
                   where y.status = 'OPEN'
                   group by y.strategy_version_id, y.account_id
                ) x
           join botbox.accounts a on a.id = x.account_id
          group by x.strategy_version_id
       ) p on p.strategy_version_id = v.id;
comment on view reporting.strategy_performance is
  'What each version of a strategy did, for comparing versions; one row per version. Profits count to the version whose signal opened the position.';

create view reporting.regimes as
select r.instrument_id, i.exchange_id, i.symbol, r.timeframe, r.candle_at, r.direction, r.volatility,
       (r.figures ->> 'adx')::double precision as adx, (r.figures ->> 'slope')::double precision as slope,
       (r.figures ->> 'atr')::double precision as atr, (r.figures ->> 'atr_percentile')::double precision as atr_percentile, r.recorded_at
  from botbox.regimes r
  join botbox.instruments i on i.id = r.instrument_id;
comment on view reporting.regimes is
  'The regime at each candle that a check saw, with the figures behind it; one row per instrument, timeframe and candle.';

create view reporting.correlations as
select c.instrument_a, a.symbol as symbol_a, a.exchange_id as exchange_a, c.instrument_b, b.symbol as symbol_b, b.exchange_id as exchange_b,
       c.rho, c.samples, c.computed_at
  from botbox.correlations c
  join botbox.instruments a on a.id = c.instrument_a
  join botbox.instruments b on b.id = c.instrument_b;
comment on view reporting.correlations is
  'Correlation of hourly returns over 30 days; one row per pair of followed instruments with enough common hours.';

create view reporting.interval_changes as
select x.bot_id, b.name as bot, x.changed_at, x.from_minutes, x.to_minutes, x.regime_volatility
  from botbox.interval_changes x
  join botbox.bots b on b.id = x.bot_id;
comment on view reporting.interval_changes is 'Changes of the intervals of bots whose interval adapts to volatility; one row per change.';

create view reporting.api_tokens as
select t.id as token_id, t.name, t.role, t.created_at, t.expires_at, t.revoked_at, t.last_used_at,
       t.revoked_at is null and (t.expires_at is null or t.expires_at > now()) as is_valid
  from botbox.api_tokens t;
comment on view reporting.api_tokens is 'API tokens without their hashes; one row per token.';

create view reporting.overview as
select (select count(*) from botbox.bots where status = 'ACTIVE') as active_bots,
       (select count(*) from botbox.bots where status <> 'DELETED') as bots,
       c.checks_hour, c.checks_failed_hour, c.check_late_ms_p95,
       s.signals_hour, s.signals_day, s.accepted_day, s.rejected_day,
       s.accepted_day::double precision / nullif(s.signals_day, 0) as acceptance_rate_day,
       t.trades_hour, t.trades_day, t.executed_day, t.failed_day, q.queue_depth, q.executing, q.parked, t.acknowledged_ms_p95_day,
       o.open_positions, p.net_pnl_live, o.unrealised_pnl_live, p.net_pnl_paper, o.unrealised_pnl_paper,
       (select min(settle_asset) from botbox.accounts having count(distinct settle_asset) = 1) as settle_asset,
       (select count(*) from botbox.alerts where resolved_at is null) as open_alerts,
       (select count(*) from reporting.worker_status where status = 'RUNNING') as running_workers,
       (select count(*) from reporting.pauses where is_in_force) as pauses_in_force,
       (select max(lag_seconds) from reporting.data_freshness where is_followed) as data_lag_seconds_max,
       (select max(tick_at) from botbox.ticks) as last_tick_at,
       now() as as_of
  from (
         -- A bot that was due at once when it was created was due at a grid point before it existed.
         select count(*) as checks_hour, count(*) filter (where k.outcome in ('FAILED', 'TIMED_OUT')) as checks_failed_hour,
                percentile_cont(0.95) within group (order by extract(epoch from k.recorded_at - greatest(k.due_at, b.created_at))::double precision * 1000)
                  filter (where k.kind = 'SCHEDULED') as check_late_ms_p95
           from botbox.checks k
           join botbox.bots b on b.id = k.bot_id
          where k.recorded_at > now() - interval '1 hour'
            and k.due_at > now() - interval '2 hours'
       ) c
 cross join (
         select count(*) filter (where created_at > now() - interval '1 hour') as signals_hour, count(*) as signals_day,
                count(*) filter (where status = 'QUEUED') as accepted_day, count(*) filter (where status = 'REJECTED') as rejected_day
           from botbox.signals
          where created_at > now() - interval '24 hours'
       ) s
 cross join (
         select count(*) filter (where queued_at > now() - interval '1 hour') as trades_hour, count(*) as trades_day,
                count(*) filter (where status = 'EXECUTED') as executed_day, count(*) filter (where status = 'FAILED') as failed_day,
                percentile_cont(0.95) within group (order by extract(epoch from acknowledged_at - queued_at)::double precision * 1000)
                  as acknowledged_ms_p95_day
           from botbox.trade_queue
          where queued_at > now() - interval '24 hours'
       ) t
 cross join (
         select count(*) filter (where status = 'PENDING') as queue_depth, count(*) filter (where status = 'EXECUTING') as executing,
                count(*) filter (where status = 'PARKED') as parked
           from botbox.trade_queue
          where status in ('PENDING', 'EXECUTING', 'PARKED')
       ) q
 cross join (
         select coalesce(sum(g.net_pnl) filter (where a.mode = 'LIVE'), 0) as net_pnl_live,
                coalesce(sum(g.net_pnl) filter (where a.mode = 'PAPER'), 0) as net_pnl_paper
           from (
                  select t.account_id, sum(t.realised_pnl - t.fees + t.funding) as net_pnl
                    from botbox.position_totals t
                   group by t.account_id
                  union all
                  select y.account_id, sum(y.realised_pnl - y.fees + y.funding)
                    from botbox.positions y
                   where y.status = 'OPEN'
                   group by y.account_id
                ) g
           join botbox.accounts a on a.id = g.account_id
       ) p
 cross join (
         select count(*) as open_positions,
                coalesce(sum(unrealised_pnl) filter (where account_mode = 'LIVE'), 0) as unrealised_pnl_live,
                coalesce(sum(unrealised_pnl) filter (where account_mode = 'PAPER'), 0) as unrealised_pnl_paper
           from reporting.positions
          where status = 'OPEN'
       ) o;
comment on view reporting.overview is
  'The state of everything in one row, as of now. Profits of PAPER and LIVE accounts are kept apart; settle_asset is null where accounts settle in several.';

-- migrate:down
drop view reporting.overview, reporting.api_tokens, reporting.interval_changes, reporting.correlations, reporting.regimes,
  reporting.strategy_performance, reporting.strategies, reporting.check_hours, reporting.funding_rates, reporting.candle_gaps,
  reporting.candles, reporting.pauses, reporting.alerts, reporting.worker_status, reporting.exchange_health, reporting.data_freshness;
