create function botbox.monitor_instruments(p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_rule record;
  v_subjects text[] := '{}';
begin
  for v_rule in
    -- The exchange has taken the market off its list, or closed it: what is held there cannot be closed by an order.
    select case when held.positions > 0 then 'CRITICAL' else 'WARNING' end::severity as severity,
           i.exchange_id || ' ' || i.symbol as subject,
           format('%s no longer trades %s: %s open positions there, %s active bots', i.exchange_id, i.symbol, held.positions, held.bots) as message
      from instruments i
     cross join lateral (
             select (select count(*) from positions p where p.instrument_id = i.id and p.status = 'OPEN') as positions,
                    (select count(*) from bots b where b.instrument_id = i.id and b.status = 'ACTIVE') as bots
           ) held
     where not i.is_trading
       and (held.positions > 0 or held.bots > 0)
  loop
    perform raise_alert(p_code => 'INSTRUMENT_DELISTED', p_severity => v_rule.severity, p_subject => v_rule.subject, p_message => v_rule.message, p_now => p_now);
    v_subjects := v_subjects || v_rule.subject;
  end loop;
  update alerts
     set resolved_at = p_now
   where code = 'INSTRUMENT_DELISTED'
     and resolved_at is null
     and subject <> all (v_subjects);
  return cardinality(v_subjects);
end
$$;
comment on function botbox.monitor_instruments is
  'Alerts markets that are no longer traded while something is held or a bot is active there; resolves what is over and answers how many alerts stand.';
