create function botbox.open_breaker(
  p_exchange_id text,
  p_reason text,
  p_until timestamptz default null,
  p_actor text default 'system',
  p_now timestamptz default now()
)
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
  -- At its end it is probed like any other opening; without an end nobody probes, and only reset_breaker closes it.
  update circuit_breakers
     set state = 'OPEN',
         opened_at = coalesce(opened_at, p_now),
         probe_at = p_until,
         probed_by = null,
         held_by = p_actor,
         last_error = format('opened by %s: %s', p_actor, p_reason),
         changed_at = p_now
   where exchange_id = p_exchange_id;
  perform raise_alert(
    p_code => 'BREAKER_OPEN',
    p_severity => 'CRITICAL',
    p_subject => p_exchange_id,
    p_message => format('The breaker of %s was opened by %s: %s', p_exchange_id, p_actor, p_reason),
    p_details => jsonb_build_object('until', p_until),
    p_now => p_now
  );
  perform record_audit(
    p_actor => p_actor, p_action => 'breaker.open', p_subject => p_exchange_id,
    p_before => jsonb_build_object('state', v_before.state), p_after => jsonb_build_object('reason', p_reason, 'until', p_until), p_now => p_now
  );
  return 'OPEN';
end
$$;
comment on function botbox.open_breaker is
  'Opens the breaker of an exchange by hand: nothing is asked or sent until p_until, or until reset_breaker where that is null; no success of a call under way closes it. Null: there is no such exchange.';
