create function botbox.monitor_ledger(p_now timestamptz default now())
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_broken integer;
begin
  select count(*) into v_broken from check_ledger();
  if v_broken > 0 then
    perform raise_alert(
      p_code => 'LEDGER_BROKEN',
      p_severity => 'CRITICAL',
      p_subject => 'ledger',
      p_message => 'Ledger entries do not sum to the booked balances',
      p_details => jsonb_build_object('balances', v_broken),
      p_now => p_now
    );
  else
    perform resolve_alert(p_code => 'LEDGER_BROKEN', p_subject => 'ledger', p_now => p_now);
  end if;
  return v_broken = 0;
end
$$;
comment on function botbox.monitor_ledger is
  'Whether every booked balance is the sum of its ledger entries; raises or resolves LEDGER_BROKEN. Reads the whole ledger, 200 ms a million entries, so once a minute.';
