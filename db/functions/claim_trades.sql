create function botbox.claim_trades(
  p_worker_id text,
  p_limit integer default 10,
  p_lease_ms integer default 30000,
  p_live_accounts text[] default '{}',
  p_reconciled_since timestamptz default '-infinity',
  p_now timestamptz default now()
)
returns table (
  trade_id uuid,
  bot_id bigint,
  account_id bigint,
  account_mode botbox.account_mode,
  exchange_id text,
  instrument_id bigint,
  symbol text,
  market_type botbox.market_type,
  direction botbox.signal_direction,
  side botbox.side,
  quantity text,
  price text,
  leverage text,
  margin_mode text,
  is_prepared boolean,
  stop_loss_price text,
  take_profit_price text,
  protection botbox.protection,
  attempts integer,
  claimed_until timestamptz,
  order_id bigint,
  client_order_id text,
  queued_at timestamptz
)
language plpgsql
set search_path = botbox, pg_temp
-- The plans are the same for any queue and any accounts: planned at each claim they took as long as all the rest.
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  -- Exchanges that are sent to at all, those of them that take no entries now, and those whose breaker has closed within the minute.
  v_closed text[];
  v_throttled text[];
  v_reopened text[];
  -- Accounts that may send anything, those of them that are HALTED, and those that may enter.
  v_sending bigint[];
  v_halted bigint[];
  v_entering bigint[];
  v_closes uuid[];
  v_entries uuid[];
begin
  -- What holds for an exchange or an account is asked once for each of them, not for each of its trades.
  select coalesce(array_agg(k.exchange_id), '{}'),
         coalesce(array_agg(k.exchange_id) filter (where entries_are_throttled(k.exchange_id, p_now)), '{}'),
         coalesce(array_agg(k.exchange_id) filter (where k.changed_at between p_now - interval '1 minute' and p_now), '{}')
    into v_closed, v_throttled, v_reopened
    from circuit_breakers k
   where k.state = 'CLOSED'
     and exists (select from accounts a where a.exchange_id = k.exchange_id);

  with pause as materialized (
    select p.scope, p.exchange_id, p.account_id
      from pauses p
     where p.lifted_at is null
       and p.scope <> 'BOT'
       and (p.lifts_at is null or p.lifts_at > p_now)
  )
  select coalesce(array_agg(a.id), '{}'),
         coalesce(array_agg(a.id) filter (where a.status = 'HALTED'), '{}'),
         coalesce(array_agg(a.id) filter (
           where a.status = 'ACTIVE'
             and a.exchange_id <> all (v_throttled)
             and not exists (select from pause p where p.scope = 'ALL' or p.exchange_id = a.exchange_id or p.account_id = a.id)
             -- After an opened breaker: first the account's unknown orders are asked for and its closes sent, for a minute at most.
             and not (
               a.exchange_id = any (v_reopened)
               and (
                 exists (
                   select from orders o where o.account_id = a.id and o.status = 'UNKNOWN' and o.finished_at is null and o.next_query_at <= p_now
                 )
                 or exists (
                   select
                     from trade_queue c
                    where c.account_id = a.id
                      and c.direction = 'CLOSE'
                      and c.status in ('PENDING', 'EXECUTING')
                      and (c.status = 'EXECUTING' or (c.status = 'PENDING' and c.next_attempt_at <= p_now))
                 )
               )
             )
         ), '{}')
    into v_sending, v_halted, v_entering
    from accounts a
   where a.exchange_id = any (v_closed)
     -- After a start nothing is sent for an account before its books were compared with the exchange.
     and coalesce(a.reconciled_at, '-infinity') >= p_reconciled_since
     -- A live account must be named in the environment of the worker that trades it; the simulated exchange is exempt.
     and (a.mode = 'PAPER' or a.exchange_id = 'sim' or a.name = any (p_live_accounts));

  -- Both walks go by an index in the order of the queue and end with the last trade that they take. Trades of other accounts are passed over
  -- within the index. What else is looked at stands in subqueries, which unlike joins leave no other order to the planner, whatever it
  -- thinks of the queue's length.
  select array_agg(w.id)
    into v_closes
    from (
           select t.id
             from trade_queue t
            where t.status = 'PENDING'
              and t.direction = 'CLOSE'
              and t.account_id = any (v_sending)
              and t.next_attempt_at <= p_now
              -- A person may flatten a HALTED account; nothing else is sent for it.
              and (t.trigger_reason = 'FLATTEN' or t.account_id <> all (v_halted))
              -- A position that something else closed meanwhile needs no order; expire_trades ends its close.
              and (select p.status = 'OPEN' from positions p where p.id = t.position_id)
            order by t.queued_at
            limit p_limit
              for update of t skip locked
         ) w;

  if coalesce(cardinality(v_closes), 0) < p_limit then
    select array_agg(w.id)
      into v_entries
      from (
             select t.id
               from trade_queue t
              where t.status = 'PENDING'
                and t.direction <> 'CLOSE'
                and t.account_id = any (v_entering)
                and t.next_attempt_at <= p_now
                and t.expires_at > p_now
                and (
                  select i.is_trading
                         and b.status = 'ACTIVE'
                         -- What a bot that asks has decided waits for a person's word; closes, and stops with them, never do.
                         and coalesce(
                               (select p.decision is not distinct from 'APPROVED' from trade_approvals p where p.trade_id = t.id),
                               b.execution = 'AUTO'
                             )
                         and not exists (
                               select
                                 from pauses p
                                where p.bot_id = t.bot_id
                                  and p.lifted_at is null
                                  and (p.lifts_at is null or p.lifts_at > p_now)
                             )
                    from bots b
                    join instruments i on i.id = t.instrument_id
                   where b.id = t.bot_id
                )
              order by t.queued_at
              limit p_limit - coalesce(cardinality(v_closes), 0)
                for update of t skip locked
           ) w;
  end if;

  return query
  with fitted as (
    select t.id,
           -- A close is for what is left by now: the exchange's stop may have sold a part. And what was sized by figures of the market that
           -- have changed since is cut to the present ones; of a position smaller than a lot the exchange is asked all the same.
           coalesce(
             nullif(fit_order(p_quantity => least(t.quantity, p.quantity), p_price => t.price, p_instrument => i), 0), t.quantity
           ) as quantity,
           -- Only Bybit refuses a stop between two ticks, but no exchange places one there.
           round(t.stop_loss_price / i.tick_size) * i.tick_size as stop_loss_price,
           round(t.take_profit_price / i.tick_size) * i.tick_size as take_profit_price
      from trade_queue t
      join instruments i on i.id = t.instrument_id
      left join positions p on p.id = t.position_id
     where t.id = any (v_closes || v_entries)
  ),
  claimed as (
    update trade_queue t
       set status = 'EXECUTING',
           claimed_by = p_worker_id,
           claimed_until = p_now + make_interval(secs => p_lease_ms / 1000.0),
           attempts = t.attempts + 1,
           quantity = f.quantity,
           -- Lots that do not fit are closed or entered when they are asked for again.
           lots = case when t.lots > 0 and f.quantity < t.quantity then greatest(round(t.lots * f.quantity / t.quantity), 1) else t.lots end,
           stop_loss_price = case when f.stop_loss_price > 0 and f.stop_loss_price <> t.stop_loss_price then f.stop_loss_price else t.stop_loss_price end,
           take_profit_price = case when f.take_profit_price <> t.take_profit_price then f.take_profit_price else t.take_profit_price end
      from fitted f
     where t.id = f.id
    returning t.*
  )
  select c.id, c.bot_id, c.account_id, a.mode, a.exchange_id, c.instrument_id, i.symbol, i.market_type, c.direction, c.side,
         c.quantity::text, c.price::text, c.leverage::text,
         a.margin_mode,
         -- Leverage and margin mode stand at the exchange already, whichever worker has set them.
         coalesce(s.leverage = c.leverage and (a.margin_mode is null or s.margin_mode = a.margin_mode), false),
         c.stop_loss_price::text, c.take_profit_price::text, c.protection,
         c.attempts, c.claimed_until, o.id, o.client_order_id, c.queued_at
    from claimed c
    join accounts a on a.id = c.account_id
    join instruments i on i.id = c.instrument_id
    left join orders o on o.trade_id = c.id
    left join instrument_settings s on (s.account_id, s.instrument_id) = (c.account_id, c.instrument_id)
   order by c.direction <> 'CLOSE', c.queued_at;
end
$$;
comment on function botbox.claim_trades is
  'Claims trades that may be sent now for one worker, closes first, then oldest first, as a lease with a deadline after which the worker must not send. What it costs does not grow with the queue.';
