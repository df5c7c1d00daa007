create function botbox.set_account_limits(
  p_account_id bigint,
  p_limits jsonb,
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns jsonb
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_names constant text[] := array[
    'max_positions', 'max_correlated_positions', 'correlation_threshold', 'max_instrument_exposure', 'max_total_exposure',
    'max_order_notional', 'max_entries_per_minute', 'max_price_deviation', 'daily_loss_limit', 'max_drawdown',
    'loss_cooldown_minutes', 'max_losing_streak', 'max_margin_ratio', 'paper_slippage_bps'
  ];
  v_always constant text[] := array['max_positions', 'max_correlated_positions', 'correlation_threshold', 'paper_slippage_bps'];
  v_account accounts;
  v_before jsonb;
  v_after jsonb;
  v_name text;
  v_value jsonb;
begin
  select * into v_account from accounts where id = p_account_id for no key update;
  if v_account.id is null then
    return null;
  end if;
  select jsonb_object_agg(l.key, l.value) into v_before from jsonb_each(to_jsonb(v_account)) l where l.key = any (v_names);

  for v_name, v_value in select * from jsonb_each(p_limits)
  loop
    if v_name <> all (v_names) then
      raise exception '%: there is no such limit', v_name using errcode = 'check_violation', constraint = 'limit_is_known';
    end if;
    if v_value = 'null' and v_name = any (v_always) then
      raise exception '%: cannot be without a value', v_name using errcode = 'check_violation', constraint = 'limit_has_a_value';
    end if;
    -- NaN and infinity sort above every number.
    if not coalesce((v_value #>> '{}')::numeric between 0 and 1e18, true) then
      raise exception '%: expected a number from 0 to 10^18, got %', v_name, v_value #>> '{}'
        using errcode = 'check_violation', constraint = 'limit_is_not_negative';
    end if;
  end loop;
  v_account := jsonb_populate_record(v_account, p_limits);
  select jsonb_object_agg(l.key, l.value) into v_after from jsonb_each(to_jsonb(v_account)) l where l.key = any (v_names);

  update accounts
     set max_positions = v_account.max_positions,
         max_correlated_positions = v_account.max_correlated_positions,
         correlation_threshold = v_account.correlation_threshold,
         max_instrument_exposure = v_account.max_instrument_exposure,
         max_total_exposure = v_account.max_total_exposure,
         max_order_notional = v_account.max_order_notional,
         max_entries_per_minute = v_account.max_entries_per_minute,
         max_price_deviation = v_account.max_price_deviation,
         daily_loss_limit = v_account.daily_loss_limit,
         max_drawdown = v_account.max_drawdown,
         loss_cooldown_minutes = v_account.loss_cooldown_minutes,
         max_losing_streak = v_account.max_losing_streak,
         max_margin_ratio = v_account.max_margin_ratio,
         paper_slippage_bps = v_account.paper_slippage_bps,
         updated_at = p_now
   where id = p_account_id;

  -- What changed, before and after; the same values again are no change.
  perform record_audit(
    p_actor => p_actor, p_action => 'account.limits', p_subject => 'account ' || p_account_id,
    p_before => jsonb_object_agg(c.key, c.value), p_after => jsonb_object_agg(c.key, v_after -> c.key), p_now => p_now
  )
     from jsonb_each(v_before) c
    where c.value is distinct from v_after -> c.key
   having count(*) > 0;
  return v_after;
end
$$;
comment on function botbox.set_account_limits is
  'Changes the given limits of an account, null removes one; answers all of them, null if there is no such account. Entries are held to them from the next decision on; what is held or queued already stays.';
