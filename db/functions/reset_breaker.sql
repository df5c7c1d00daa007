create function botbox.reset_breaker(p_exchange_id text, p_actor text default 'system', p_now timestamptz default now())
returns botbox.breaker_state
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_before circuit_breakers;
begin
  select * into v_before from circuit_breakers where exchange_id = p_exchange_id for update;
  if v_before.exchange_id is null then
    return null;
  end if;
  update circuit_breakers
     set state = 'CLOSED',
         consecutive_failures = 0,
         opened_at = null,
         probe_at = null,
         probed_by = null,
         held_by = null,
         changed_at = case when state <> 'CLOSED' then p_now else changed_at end
   where exchange_id = p_exchange_id;
  if v_before.state <> 'CLOSED' or v_before.consecutive_failures > 0 then
    perform record_audit(
      p_actor => p_actor, p_action => 'breaker.reset', p_subject => p_exchange_id,
      p_before => jsonb_build_object('state', v_before.state, 'consecutive_failures', v_before.consecutive_failures), p_now => p_now
    );
    perform resolve_alert(p_code => 'BREAKER_OPEN', p_subject => p_exchange_id, p_now => p_now);
    perform pg_notify('botbox_trades', 'breaker');
  end if;
  return v_before.state;
end
$$;
comment on function botbox.reset_breaker is
  'Closes the breaker of an exchange at once and forgets its failures, whoever opened it; a ban that the exchange gave stays with the limiter. Answers the state it was in; null: there is no such exchange.';
