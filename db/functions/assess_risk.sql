create function botbox.assess_risk(
  p_bot botbox.bots,
  p_instrument botbox.instruments,
  p_direction botbox.direction,
  p_quantity numeric,
  p_price numeric,
  p_now timestamptz default now()
)
returns botbox.verdict
language plpgsql
stable
set search_path = botbox, pg_temp
as $$
declare
  v_account accounts;
  v_notional numeric := p_quantity * p_price * p_instrument.contract_size;
  v_needed numeric;
  v_available numeric;
  v_taken integer;
  v_correlated integer;
  v_verdict verdict;
begin
  select * into strict v_account from accounts where id = p_bot.account_id;

  v_verdict := assess_losses(p_bot => p_bot, p_account => v_account, p_now => p_now);
  if v_verdict.reason_code is not null then
    return v_verdict;
  end if;

  if p_quantity < p_instrument.minimum_quantity or p_quantity = 0 or v_notional < p_instrument.minimum_notional then
    return row(
      'BELOW_MINIMUM',
      jsonb_build_object(
        'quantity', p_quantity, 'minimum_quantity', p_instrument.minimum_quantity,
        'notional', v_notional, 'minimum_notional', p_instrument.minimum_notional
      )
    )::verdict;
  end if;

  v_verdict := assess_exposure(p_bot => p_bot, p_account => v_account, p_instrument => p_instrument, p_notional => v_notional, p_now => p_now);
  if v_verdict.reason_code is not null then
    return v_verdict;
  end if;

  -- Slots: open positions, and queued entries that will open one.
  select count(*)
    into v_taken
    from (
      select p.bot_id, p.instrument_id
        from positions p
       where p.account_id = v_account.id
         and p.status = 'OPEN'
      union
      select t.bot_id, t.instrument_id
        from trade_queue t
       where t.account_id = v_account.id
         and t.direction <> 'CLOSE'
         and t.status in ('PENDING', 'EXECUTING', 'PARKED')
    ) taken
   where (taken.bot_id, taken.instrument_id) <> (p_bot.id, p_instrument.id);
  -- What a person holds by hand takes a slot too.
  v_taken := v_taken + (select count(*) from foreign_positions f where f.account_id = v_account.id);
  if v_taken >= v_account.max_positions then
    return row('MAX_POSITIONS', jsonb_build_object('positions', v_taken, 'max_positions', v_account.max_positions))::verdict;
  end if;

  v_needed := entry_capital(p_notional => v_notional, p_leverage => p_bot.leverage, p_taker_fee_rate => p_instrument.taker_fee_rate);
  v_available := available_capital(p_account_id => v_account.id);
  if v_needed > v_available then
    return row('INSUFFICIENT_CAPITAL', jsonb_build_object('needed', round(v_needed, 8), 'available', round(v_available, 8)))::verdict;
  end if;

  select count(*)
    into v_correlated
    from (
      select p.bot_id, p.instrument_id, p.direction
        from positions p
       where p.account_id = v_account.id
         and p.status = 'OPEN'
      union all
      select t.bot_id, t.instrument_id, t.direction::text::direction
        from trade_queue t
       where t.account_id = v_account.id
         and t.direction <> 'CLOSE'
         and t.status in ('PENDING', 'EXECUTING', 'PARKED')
      union all
      select 0, f.instrument_id, case when f.quantity > 0 then 'LONG' else 'SHORT' end::direction
        from foreign_positions f
       where f.account_id = v_account.id
         and f.instrument_id is not null
    ) held
    left join correlations c
      on c.instrument_a = least(held.instrument_id, p_instrument.id)
     and c.instrument_b = greatest(held.instrument_id, p_instrument.id)
   where (
           (held.instrument_id = p_instrument.id and held.direction = p_direction)
           or (c.rho >= v_account.correlation_threshold and held.direction = p_direction)
           or (c.rho <= -v_account.correlation_threshold and held.direction <> p_direction)
         )
     -- The legs of a pair are each other's opposite, and a lot that is added makes no further position.
     and held.bot_id <> p_bot.id;
  if v_correlated >= v_account.max_correlated_positions then
    return row(
      'CORRELATION_LIMIT',
      jsonb_build_object('correlated', v_correlated, 'limit', v_account.max_correlated_positions, 'threshold', v_account.correlation_threshold)
    )::verdict;
  end if;

  return null;
end
$$;
comment on function botbox.assess_risk is
  'What stands against an entry on the side of money: losses, minimum size, exposure, position slots, capital, correlated positions; foreign positions count as held. Race-free because the caller holds the account''s row lock.';
