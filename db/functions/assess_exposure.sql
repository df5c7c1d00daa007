create function botbox.assess_exposure(
  p_bot botbox.bots,
  p_account botbox.accounts,
  p_instrument botbox.instruments,
  p_notional numeric,
  p_now timestamptz default now()
)
returns botbox.verdict
language plpgsql
stable
set search_path = botbox, pg_temp
as $$
declare
  v_notional numeric := trim_scale(round(p_notional, 8));
  v_entries integer;
  v_held record;
begin
  if p_notional > p_account.max_order_notional then
    return row('ORDER_TOO_LARGE', jsonb_build_object('notional', v_notional, 'max_order_notional', p_account.max_order_notional))::verdict;
  end if;

  if p_account.max_entries_per_minute is not null then
    select count(*)
      into v_entries
      from trade_queue t
     where t.account_id = p_account.id
       and t.direction <> 'CLOSE'
       and t.queued_at > p_now - interval '1 minute';
    if v_entries >= p_account.max_entries_per_minute then
      return row('ENTRY_RATE_LIMIT', jsonb_build_object('entries', v_entries, 'max_entries_per_minute', p_account.max_entries_per_minute))::verdict;
    end if;
  end if;

  if coalesce(p_bot.max_position_notional, p_account.max_instrument_exposure, p_account.max_total_exposure) is null then
    return null;
  end if;
  -- Gross: a long and a short position of two bots do not balance, since either may be closed alone. Positions at the last price,
  -- entries under way at that of their signal, less what of them is filled and so a position already.
  select coalesce(trim_scale(round(sum(h.notional) filter (where (h.bot_id, h.instrument_id) = (p_bot.id, p_instrument.id)), 8)), 0) as of_bot,
         coalesce(trim_scale(round(sum(h.notional) filter (where h.instrument_id = p_instrument.id), 8)), 0) as of_instrument,
         coalesce(trim_scale(round(sum(h.notional), 8)), 0) as total
    into v_held
    from (
      select p.bot_id, p.instrument_id, p.quantity * coalesce(k.last, p.average_entry_price) * i.contract_size as notional
        from positions p
        join instruments i on i.id = p.instrument_id
        left join tickers k on k.instrument_id = p.instrument_id
       where p.account_id = p_account.id
         and p.status = 'OPEN'
      union all
      select t.bot_id, t.instrument_id, (t.quantity - coalesce(o.filled_quantity, 0)) * t.price * i.contract_size
        from trade_queue t
        join instruments i on i.id = t.instrument_id
        left join orders o on o.trade_id = t.id
       where t.account_id = p_account.id
         and t.direction <> 'CLOSE'
         and t.status in ('PENDING', 'EXECUTING', 'PARKED')
      union all
      -- What a person traded by hand is at risk on the same account.
      select null, f.instrument_id, abs(f.quantity) * coalesce(k.last, f.entry_price, 0) * coalesce(i.contract_size, 1)
        from foreign_positions f
        left join instruments i on i.id = f.instrument_id
        left join tickers k on k.instrument_id = f.instrument_id
       where f.account_id = p_account.id
      union all
      select null, f.instrument_id, f.quantity * coalesce(k.last, 0) * i.contract_size
        from foreign_orders f
        join instruments i on i.id = f.instrument_id
        left join tickers k on k.instrument_id = f.instrument_id
       where f.account_id = p_account.id
         and f.adds_exposure
    ) h;

  if v_held.of_bot + p_notional > p_bot.max_position_notional then
    return row(
      'BOT_POSITION_LIMIT',
      jsonb_build_object('held', v_held.of_bot, 'notional', v_notional, 'max_position_notional', p_bot.max_position_notional)
    )::verdict;
  end if;
  if v_held.of_instrument + p_notional > p_account.max_instrument_exposure then
    return row(
      'INSTRUMENT_EXPOSURE',
      jsonb_build_object('held', v_held.of_instrument, 'notional', v_notional, 'max_instrument_exposure', p_account.max_instrument_exposure)
    )::verdict;
  end if;
  if v_held.total + p_notional > p_account.max_total_exposure then
    return row(
      'TOTAL_EXPOSURE',
      jsonb_build_object('held', v_held.total, 'notional', v_notional, 'max_total_exposure', p_account.max_total_exposure)
    )::verdict;
  end if;
  return null;
end
$$;
comment on function botbox.assess_exposure is
  'What the size of an entry has against it: notional of the order, entries per minute, the bot''s position, the account''s exposure per instrument and in all, foreign positions and orders included. Null reason_code: nothing. Race-free because the caller holds the account''s row lock.';
