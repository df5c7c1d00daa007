create function botbox.record_exchange_result(
  p_exchange_id text,
  p_is_success boolean,
  p_error text default null,
  p_banned_for_ms integer default null,
  p_now timestamptz default now()
)
returns botbox.breaker_state
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_banned_until timestamptz := p_now + make_interval(secs => p_banned_for_ms / 1000.0);
  v_before circuit_breakers;
  v_after circuit_breakers;
begin
  select * into strict v_before from circuit_breakers where exchange_id = p_exchange_id for update;
  if p_is_success then
    update circuit_breakers
       set consecutive_failures = 0,
           state = case when state = 'HALF_OPEN' then 'CLOSED' else state end,
           opened_at = case when state = 'HALF_OPEN' then null else opened_at end,
           probe_at = case when state = 'HALF_OPEN' then null else probe_at end,
           probed_by = null,
           changed_at = case when state = 'HALF_OPEN' then p_now else changed_at end
     where exchange_id = p_exchange_id
    returning * into v_after;
  else
    update circuit_breakers
       set consecutive_failures = consecutive_failures + 1,
           last_error = p_error,
           state = case
             when state <> 'CLOSED' or consecutive_failures + 1 >= 5 or v_banned_until > p_now then 'OPEN'
             else 'CLOSED'
           end::breaker_state,
           opened_at = case
             when state <> 'CLOSED' then opened_at
             when consecutive_failures + 1 >= 5 or v_banned_until > p_now then p_now
           end,
           probe_at = case
             when state = 'CLOSED' and consecutive_failures + 1 < 5 and coalesce(v_banned_until <= p_now, true) then null
             -- Held by hand without an end: a failure of a call that was under way does not give it one.
             when held_by is not null and probe_at is null then null
             else greatest(v_banned_until, probe_at, p_now + interval '60 seconds')
           end,
           probed_by = null,
           changed_at = case
             when state = 'OPEN' or (state = 'CLOSED' and consecutive_failures + 1 < 5 and coalesce(v_banned_until <= p_now, true)) then changed_at
             else p_now
           end
     where exchange_id = p_exchange_id
    returning * into v_after;
  end if;

  -- Each opening is told, a probe's failure as another sighting of the same alert; the closing by one of its own, that needs nobody.
  if v_after.state = 'OPEN' and v_before.state <> 'OPEN' then
    perform raise_alert(
      p_code => 'BREAKER_OPEN',
      p_severity => 'CRITICAL',
      p_subject => p_exchange_id,
      p_message => format('The breaker of %s opened: %s', p_exchange_id, p_error),
      p_details => jsonb_build_object('probe_at', v_after.probe_at),
      p_now => p_now
    );
  elsif v_after.state = 'CLOSED' and v_before.state <> 'CLOSED' then
    perform resolve_alert(p_code => 'BREAKER_OPEN', p_subject => p_exchange_id, p_now => p_now);
    perform raise_alert(
      p_code => 'BREAKER_CLOSED',
      p_severity => 'INFO',
      p_subject => p_exchange_id,
      p_message => format('The breaker of %s closed: it answers again', p_exchange_id),
      p_details => jsonb_build_object('opened_at', v_before.opened_at),
      p_now => p_now
    );
    perform resolve_alert(p_code => 'BREAKER_CLOSED', p_subject => p_exchange_id, p_now => p_now);
    perform pg_notify('botbox_trades', 'breaker');
  end if;
  return v_after.state;
end
$$;
comment on function botbox.record_exchange_result is
  'Counts a call that failed on the exchange''s side, or a success that ends a row of failures: five in a row or a ban open the breaker, a probe''s success closes it.';
