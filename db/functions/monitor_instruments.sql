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
    select 'INSTRUMENT_DELISTED' as code, case when held.positions > 0 then 'CRITICAL' else 'WARNING' end::severity as severity,
           i.exchange_id || ' ' || i.symbol as subject,
           format('%s no longer trades %s: %s open positions there, %s active bots', i.exchange_id, i.symbol, held.positions, held.bots) as message
      from instruments i
     cross join lateral (
             select (select count(*) from positions p where p.instrument_id = i.id and p.status = 'OPEN') as positions,
                    (select count(*) from bots b where b.instrument_id = i.id and b.status = 'ACTIVE') as bots
           ) held
     where not i.is_trading
       and (held.positions > 0 or held.bots > 0)
    union all
    -- A stop that the guard watches is only as good as its prices.
    select 'GUARD_WITHOUT_PRICES', 'CRITICAL', i.exchange_id || ' ' || i.symbol,
           format('The guard watches %s positions in %s without a price since %s', g.positions, i.symbol,
                  coalesce(to_char(k.recorded_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'), 'their opening'))
      from (
             select p.instrument_id, count(*) as positions, min(p.opened_at) as opened_at
               from positions p
              where p.status = 'OPEN'
                and (p.protection = 'GUARD' or p.trailing_stop_fraction is not null)
              group by p.instrument_id
           ) g
      join instruments i on i.id = g.instrument_id
      left join tickers k on k.instrument_id = g.instrument_id
     where greatest(k.recorded_at, g.opened_at) < p_now - interval '1 minute'
  loop
    perform raise_alert(p_code => v_rule.code, p_severity => v_rule.severity, p_subject => v_rule.subject, p_message => v_rule.message, p_now => p_now);
    v_subjects := v_subjects || (v_rule.code || ' ' || v_rule.subject);
  end loop;
  update alerts
     set resolved_at = p_now
   where code in ('INSTRUMENT_DELISTED', 'GUARD_WITHOUT_PRICES')
     and resolved_at is null
     and code || ' ' || subject <> all (v_subjects);
  return cardinality(v_subjects);
end
$$;
comment on function botbox.monitor_instruments is
  'Alerts markets that are no longer traded while something is held or a bot is active there, and positions that the guard watches without fresh prices; resolves what is over and answers how many alerts stand.';
