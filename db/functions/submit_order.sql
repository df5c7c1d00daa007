create function botbox.submit_order(
  p_trade_id uuid,
  p_worker_id text,
  p_client_order_id text,
  p_now timestamptz default now()
)
returns table (order_id bigint, client_order_id text, send_count integer, send_deadline timestamptz, is_reduce_only boolean)
language plpgsql
set search_path = botbox, pg_temp
as $$
#variable_conflict use_column
declare
  v_trade trade_queue;
  v_limit numeric;
  v_price numeric;
  v_instrument instruments;
  -- Why the entry is denied, in a code and in words.
  v_denial text;
  v_error text;
begin
  -- The order of an earlier sending before its trade, as where fills and results are booked.
  perform from orders o where o.trade_id = p_trade_id for update;
  select *
    into v_trade
    from trade_queue t
   where t.id = p_trade_id
     and t.status = 'EXECUTING'
     and t.claimed_by = p_worker_id
     and t.claimed_until > p_now
     -- What changed since the claim counts: its time is over, the account is HALTED, the position closed or smaller.
     and (t.expires_at is null or t.expires_at > p_now)
     and (t.trigger_reason = 'FLATTEN' or not exists (select from accounts a where a.id = t.account_id and a.status = 'HALTED'))
     and (t.direction = 'CLOSE' or exists (select from accounts a where a.id = t.account_id and a.status = 'ACTIVE'))
     and (
           t.position_id is null
           or exists (select from positions p where p.id = t.position_id and p.status = 'OPEN' and p.quantity >= t.quantity)
         )
     for update;
  if not found then
    return;
  end if;

  select i.* into strict v_instrument from instruments i where i.id = v_trade.instrument_id;
  -- Decided by figures that have changed since: what the exchange would refuse is not sent. A close is, since the exchange says what to do next.
  if v_trade.direction <> 'CLOSE' and (
       v_trade.quantity < v_instrument.minimum_quantity
       or v_trade.quantity * v_trade.price * v_instrument.contract_size < v_instrument.minimum_notional
     ) then
    v_denial := 'BELOW_MINIMUM';
    v_error := format('%s at %s is less than the market takes by now: at least %s, worth %s', v_trade.quantity, v_trade.price,
                      v_instrument.minimum_quantity, v_instrument.minimum_notional);
  end if;

  select a.max_price_deviation into v_limit from accounts a where a.id = v_trade.account_id and v_trade.direction <> 'CLOSE';
  if v_denial is null and v_limit is not null then
    -- What entering costs now is what leaving the other way round would get. Without a fresh price nothing is sent: the next attempt may have one.
    select exit_quote(k, case v_trade.direction when 'LONG' then 'SHORT' else 'LONG' end::direction, 15000, p_now)
      into v_price
      from tickers k
     where k.instrument_id = v_trade.instrument_id;
    if v_price is null then
      return;
    end if;
    if abs(v_price - v_trade.price) > v_limit * v_trade.price then
      v_denial := 'PRICE_DEVIATION';
      v_error := format('the price is %s, the signal''s was %s: %s%% away, the limit is %s%%', v_price, v_trade.price,
                        round(abs(v_price / v_trade.price - 1) * 100, 3), trim_scale(v_limit * 100));
    end if;
  end if;
  if v_denial is not null then
    -- Sent before and certainly not standing: its order ends with it. One that may stand is asked for, not given up.
    update orders o
       set status = 'REJECTED', reject_code = v_denial, finished_at = p_now, updated_at = p_now
     where o.trade_id = p_trade_id
       and o.finished_at is null
       and o.not_accepted_at is not null;
    if not exists (select from orders o where o.trade_id = p_trade_id and o.finished_at is null) then
      perform finish_trade(p_trade_id => p_trade_id, p_reason_code => v_denial, p_error => v_error, p_now => p_now);
    end if;
    return;
  end if;

  return query
  insert into orders as o (
    trade_id, account_id, instrument_id, bot_id, position_id, purpose, client_order_id, side, quantity, reduce_only,
    expected_price, stop_loss_price, take_profit_price, status, send_count, sent_at, send_deadline, created_at, updated_at
  )
  select v_trade.id, v_trade.account_id, v_trade.instrument_id, v_trade.bot_id, v_trade.position_id,
         case when v_trade.direction = 'CLOSE' then 'EXIT' else 'ENTRY' end::order_purpose,
         p_client_order_id, v_trade.side, v_trade.quantity,
         -- Reduce-only acts on the account's net position: only where no other bot holds the instrument does it mean ours.
         v_trade.direction = 'CLOSE'
           and i.market_type = 'LINEAR'
           and not exists (
                 select
                   from positions p
                  where p.account_id = v_trade.account_id
                    and p.instrument_id = v_trade.instrument_id
                    and p.status = 'OPEN'
                    and p.bot_id <> v_trade.bot_id
               ),
         v_trade.price, case when v_trade.protection = 'EXCHANGE' then v_trade.stop_loss_price end,
         case when v_trade.protection = 'EXCHANGE' then v_trade.take_profit_price end,
         'SUBMITTING', 1, p_now, v_trade.claimed_until, p_now, p_now
    from instruments i
   where i.id = v_trade.instrument_id
  on conflict (trade_id) do update
     set send_count = o.send_count + 1,
         quantity = v_trade.quantity,
         sent_at = p_now,
         send_deadline = v_trade.claimed_until,
         not_accepted_at = null,
         updated_at = p_now
   where o.status = 'SUBMITTING'
     and o.not_accepted_at is not null
  returning o.id, o.client_order_id, o.send_count, o.send_deadline, o.reduce_only;
end
$$;
comment on function botbox.submit_order is
  'Commits the order row as SUBMITTING before anything is sent. A row comes back only while the trade''s lease and time hold, its account is not HALTED (or a person flattens it) and for an entry ACTIVE, an entry is large enough for the market and its price lies near its signal''s (or the trade ends), there is something to close, and no earlier sending of the same order may still stand: without a row nothing may be sent.';
