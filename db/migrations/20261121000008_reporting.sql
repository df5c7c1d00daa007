-- migrate:up
create view reporting.instruments as
select i.id as instrument_id, i.exchange_id, i.symbol, i.exchange_symbol, i.market_type, i.base_asset, i.quote_asset, i.settle_asset,
       i.tick_size, i.lot_size, i.minimum_quantity, i.minimum_notional, i.taker_fee_rate, i.is_trading,
       t.last as last_price, t.bid, t.ask, t.quoted_at
  from botbox.instruments i
  left join botbox.tickers t on t.instrument_id = i.id;
comment on view reporting.instruments is 'Tradable markets with their precisions and newest prices; one row per instrument.';

create view reporting.positions as
select p.id as position_id, p.bot_id, b.name as bot, p.account_id, a.name as account, a.mode as account_mode, i.exchange_id, i.symbol, p.instrument_id,
       a.settle_asset, p.direction, p.status, p.quantity, p.average_entry_price, p.average_exit_price, p.lots, p.leverage,
       p.quantity * p.average_entry_price * i.contract_size as entry_notional,
       t.last as last_price,
       case when p.status = 'OPEN' and t.last is not null
            then (t.last - p.average_entry_price) * p.quantity * i.contract_size * case p.direction when 'LONG' then 1 else -1 end
       end as unrealised_pnl,
       p.realised_pnl, p.fees, p.funding, p.realised_pnl - p.fees + p.funding as net_pnl,
       p.stop_loss_price, p.take_profit_price,
       case p.direction
         when 'LONG' then p.best_price * (1 - p.trailing_stop_fraction)
         else p.best_price * (1 + p.trailing_stop_fraction)
       end as trailing_stop_price,
       p.protection, p.dust_quantity, p.opened_at, p.closed_at
  from botbox.positions p
  join botbox.bots b on b.id = p.bot_id
  join botbox.accounts a on a.id = p.account_id
  join botbox.instruments i on i.id = p.instrument_id
  left join botbox.tickers t on t.instrument_id = p.instrument_id;
comment on view reporting.positions is 'Positions of bots, open and closed, with profit in the settlement asset; one row per position.';

create view reporting.signals as
select s.id as signal_id, s.created_at, s.decided_at, s.bot_id, b.name as bot, st.name as strategy, v.version as strategy_version, s.strategy_version_id, v.timeframe,
       s.account_id, a.name as account, a.mode as account_mode, i.exchange_id, i.symbol, s.instrument_id, s.direction, s.trigger_reason, s.candle_at,
       s.score, s.factors, s.regime_direction, s.regime_volatility, s.data_age_ms, s.price, s.quantity, s.notional,
       s.stop_loss_price, s.take_profit_price, s.status, s.reason_code, r.meaning as reason, s.details, s.repeat_count, s.hash,
       s.trade_id, t.status as trade_status
  from botbox.signals s
  join botbox.bots b on b.id = s.bot_id
  join botbox.strategy_versions v on v.id = s.strategy_version_id
  join botbox.strategies st on st.id = v.strategy_id
  join botbox.accounts a on a.id = s.account_id
  join botbox.instruments i on i.id = s.instrument_id
  join botbox.reason_codes r on r.code = s.reason_code
  left join botbox.trade_queue t on t.id = s.trade_id;
comment on view reporting.signals is 'Signals with the reason they were accepted or rejected and what became of them; one row per signal.';

create view reporting.trades as
select t.id as trade_id, t.signal_id, t.queued_at, t.bot_id, b.name as bot, t.account_id, a.name as account, a.mode as account_mode,
       i.exchange_id, i.symbol, t.instrument_id, t.direction, t.side, t.quantity, t.price as signal_price, t.trigger_reason, t.status, t.reason_code,
       r.meaning as reason, t.error, t.attempts, t.next_attempt_at, t.expires_at, t.reserved_capital, t.acknowledged_at, t.finished_at,
       (extract(epoch from t.acknowledged_at - t.queued_at) * 1000)::double precision as acknowledged_after_ms,
       o.id as order_id, o.client_order_id, o.exchange_order_id, o.status as order_status, o.filled_quantity, o.average_price
  from botbox.trade_queue t
  join botbox.bots b on b.id = t.bot_id
  join botbox.accounts a on a.id = t.account_id
  join botbox.instruments i on i.id = t.instrument_id
  left join botbox.reason_codes r on r.code = t.reason_code
  left join botbox.orders o on o.trade_id = t.id;
comment on view reporting.trades is 'The trade queue with the order of each trade; one row per trade.';

create view reporting.orders as
select o.id as order_id, o.trade_id, o.created_at, o.bot_id, b.name as bot, o.account_id, a.name as account, a.mode as account_mode,
       i.exchange_id, i.symbol, o.instrument_id, o.purpose, o.side, o.quantity, o.filled_quantity, o.average_price, o.status, o.client_order_id,
       o.exchange_order_id, o.reduce_only, o.send_count, o.sent_at, o.acknowledged_at, o.finished_at, o.reject_code, o.reject_message
  from botbox.orders o
  join botbox.bots b on b.id = o.bot_id
  join botbox.accounts a on a.id = o.account_id
  join botbox.instruments i on i.id = o.instrument_id;
comment on view reporting.orders is 'Orders as the exchange knows them, also those it made from our stops; one row per order.';

create view reporting.checks as
select c.bot_id, b.name as bot, c.strategy_version_id, c.due_at, c.kind, c.started_at, c.recorded_at, c.duration_ms,
       (extract(epoch from c.recorded_at - greatest(c.due_at, b.created_at)) * 1000)::double precision as late_ms,
       c.candle_at, c.data_age_ms, c.price, c.score, c.factors, c.regime_direction, c.regime_volatility, c.decision, c.outcome,
       c.reason_code, r.meaning as reason, c.signal_id, c.trade_id, c.is_repeated, c.error, c.worker_id
  from botbox.checks c
  join botbox.bots b on b.id = c.bot_id
  left join botbox.reason_codes r on r.code = c.reason_code;
comment on view reporting.checks is 'Checks with their outcome and reason; one row per check.';

create view reporting.bot_status as
select b.id as bot_id, b.name, b.status, b.status_reason, st.name as strategy, v.version as strategy_version, b.strategy_version_id, v.timeframe,
       b.interval_minutes, b.adaptive_base_minutes, b.sizing, b.sizing_value, b.leverage, b.max_position_notional, b.execution, b.account_id, a.name as account, a.mode as account_mode,
       a.settle_asset, i.exchange_id, i.symbol, i.market_type, b.instrument_id, j.symbol as second_symbol, b.next_check_at, b.last_check_at,
       l.outcome as last_outcome, l.reason_code as last_reason_code, l.reason as last_reason, l.score as last_score, b.consecutive_failures,
       exists (
         select
           from botbox.pauses x
          where x.lifted_at is null
            and (x.lifts_at is null or x.lifts_at > now())
            and (x.scope = 'ALL' or x.exchange_id = i.exchange_id or x.account_id = b.account_id or x.bot_id = b.id)
       ) as entries_paused,
       s.accepted as signals_accepted_day, s.rejected as signals_rejected_day,
       p.direction as position_direction, p.quantity as position_quantity, p.average_entry_price as position_entry_price,
       p.opened_at as position_opened_at, u.unrealised_pnl,
       coalesce(g.net_pnl, 0) + coalesce(u.net_pnl, 0) as net_pnl, coalesce(g.fees, 0) + coalesce(u.fees, 0) as fees, coalesce(g.closed_positions, 0) as closed_positions, b.created_at
  from botbox.bots b
  join botbox.strategy_versions v on v.id = b.strategy_version_id
  join botbox.strategies st on st.id = v.strategy_id
  join botbox.accounts a on a.id = b.account_id
  join botbox.instruments i on i.id = b.instrument_id
  left join lateral (
         select c.outcome, c.reason_code, r.meaning as reason, c.score
           from botbox.checks c
           left join botbox.reason_codes r on r.code = c.reason_code
          where c.bot_id = b.id
          order by c.due_at desc
          limit 1
       ) l on true
  left join lateral (
         select count(*) filter (where x.status = 'QUEUED') as accepted, count(*) filter (where x.status = 'REJECTED') as rejected
           from botbox.signals x
          where x.bot_id = b.id
            and x.created_at > now() - interval '24 hours'
       ) s on true
  left join lateral (
         select sum(q.realised_pnl - q.fees + q.funding) as net_pnl, sum(q.fees) as fees, sum(q.closed_positions)::bigint as closed_positions
           from botbox.position_totals q
          where q.bot_id = b.id
       ) g on true
  -- What it holds: of a pair both legs for the profit, the first for the rest.
  left join lateral (
         select sum(o.realised_pnl - o.fees + o.funding) as net_pnl, sum(o.fees) as fees,
                sum((t.last - o.average_entry_price) * o.quantity * c.contract_size * case o.direction when 'LONG' then 1 else -1 end) as unrealised_pnl,
                max(o.id) filter (where o.instrument_id = b.instrument_id) as first_leg_id
           from botbox.positions o
           join botbox.instruments c on c.id = o.instrument_id
           left join botbox.tickers t on t.instrument_id = o.instrument_id
          where o.bot_id = b.id
            and o.status = 'OPEN'
       ) u on true
  left join botbox.positions p on p.id = u.first_leg_id
  left join botbox.bot_legs e on e.bot_id = b.id and e.leg = 2
  left join botbox.instruments j on j.id = e.instrument_id
 where b.status <> 'DELETED';
comment on view reporting.bot_status is 'Bots with their schedule, last check, position and profit; one row per bot that is not deleted.';

-- Closed positions come summed, a row a bot and version; only open ones are added up here.
create view reporting.bot_pnl as
select b.id as bot_id, b.name as bot, a.mode as account_mode, a.settle_asset,
       coalesce(g.realised_pnl, 0) + coalesce(u.realised_pnl, 0) as realised_pnl, coalesce(g.fees, 0) + coalesce(u.fees, 0) as fees,
       coalesce(g.funding, 0) + coalesce(u.funding, 0) as funding, n.net_pnl, coalesce(u.unrealised_pnl, 0) as unrealised_pnl,
       n.net_pnl + coalesce(u.unrealised_pnl, 0) as total_pnl,
       coalesce(u.open_positions, 0) as open_positions, coalesce(g.closed_positions, 0) as closed_positions, coalesce(g.won, 0) as won,
       coalesce(g.closed_positions - g.won, 0) as lost, g.best, g.worst, least(g.first_opened_at, u.first_opened_at) as first_opened_at, g.last_closed_at
  from botbox.bots b
  join botbox.accounts a on a.id = b.account_id
  left join (
         select t.bot_id, sum(t.realised_pnl) as realised_pnl, sum(t.fees) as fees, sum(t.funding) as funding,
                sum(t.closed_positions)::bigint as closed_positions, sum(t.won)::bigint as won, max(t.best) as best, min(t.worst) as worst,
                min(t.first_opened_at) as first_opened_at, max(t.last_closed_at) as last_closed_at
           from botbox.position_totals t
          group by t.bot_id
       ) g on g.bot_id = b.id
  left join (
         select o.bot_id, sum(o.realised_pnl) as realised_pnl, sum(o.fees) as fees, sum(o.funding) as funding,
                sum(o.unrealised_pnl) as unrealised_pnl, count(*) as open_positions, min(o.opened_at) as first_opened_at
           from reporting.positions o
          where o.status = 'OPEN'
          group by o.bot_id
       ) u on u.bot_id = b.id
 cross join lateral (
         select coalesce(g.realised_pnl - g.fees + g.funding, 0) + coalesce(u.realised_pnl - u.fees + u.funding, 0) as net_pnl
       ) n
 where b.status <> 'DELETED';
comment on view reporting.bot_pnl is 'Profit and loss of each bot over all its positions, in its settlement asset; one row per bot that is not deleted.';

create view reporting.accounts as
select a.id as account_id, a.name, a.exchange_id, a.mode, a.status, a.status_reason, a.settle_asset, a.capital,
       least(a.capital - u.all_positions, coalesce(b.booked, 0) - u.perpetuals) - u.reserved as available, b.booked as booked_balance, b.exchange_total as exchange_balance, a.max_positions,
       a.max_correlated_positions, a.correlation_threshold, a.max_instrument_exposure, a.max_total_exposure, a.max_order_notional,
       a.max_entries_per_minute, a.max_price_deviation, a.daily_loss_limit, a.max_drawdown, a.loss_cooldown_minutes, a.max_losing_streak,
       a.losses_count_from, e.equity, e.peak as equity_peak, a.reconciled_at, a.created_at,
       u.open_positions,
       u.net_pnl + (select coalesce(sum(t.realised_pnl - t.fees + t.funding), 0) from botbox.position_totals t where t.account_id = a.id) as net_pnl
  from botbox.accounts a
  left join botbox.account_balances b on b.account_id = a.id and b.asset = a.settle_asset
 -- The same figures as available_capital; a view may not depend on a function, since functions are re-applied whole.
 cross join lateral (
         select coalesce(sum(p.quantity * p.average_entry_price * i.contract_size / p.leverage), 0) as all_positions,
                coalesce(sum(p.quantity * p.average_entry_price * i.contract_size / p.leverage) filter (where i.market_type = 'LINEAR'), 0) as perpetuals,
                count(*) as open_positions, coalesce(sum(p.realised_pnl - p.fees + p.funding), 0) as net_pnl,
                (select coalesce(sum(t.reserved_capital), 0)
                   from botbox.trade_queue t
                  where t.account_id = a.id
                    and t.status in ('PENDING', 'EXECUTING', 'PARKED')) as reserved
           from botbox.positions p
           join botbox.instruments i on i.id = p.instrument_id
          where p.account_id = a.id
            and p.status = 'OPEN'
       ) u
  left join lateral (
         select x.equity, x.peak
           from botbox.account_equity x
          where x.account_id = a.id
          order by x.at desc
          limit 1
       ) e on true;
comment on view reporting.accounts is 'Accounts with capital, limits and their use; one row per account, never its credentials.';

create view reporting.account_equity as
select e.account_id, a.name as account, a.mode as account_mode, a.settle_asset, e.at, e.equity, e.peak,
       ((e.peak - e.equity) / nullif(e.peak, 0))::double precision as drawdown
  from botbox.account_equity e
  join botbox.accounts a on a.id = e.account_id;
comment on view reporting.account_equity is 'What accounts were worth over time, for equity curves; one row per account and five minutes.';

create view reporting.rejection_reasons as
select s.reason_code, r.meaning as reason, count(*) as signals, sum(1 + s.repeat_count)::bigint as occurrences, max(s.decided_at) as last_at
  from botbox.signals s
  join botbox.reason_codes r on r.code = s.reason_code
 where s.status = 'REJECTED'
   and s.created_at > now() - interval '24 hours'
 group by s.reason_code, r.meaning;
comment on view reporting.rejection_reasons is 'Why signals of the last 24 hours were rejected; one row per reason.';

-- migrate:down
drop view reporting.rejection_reasons, reporting.account_equity, reporting.accounts, reporting.bot_pnl, reporting.bot_status,
  reporting.checks, reporting.orders, reporting.trades, reporting.signals, reporting.positions, reporting.instruments;
