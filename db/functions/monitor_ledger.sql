create function botbox.monitor_ledger(p_is_whole boolean default false, p_now timestamptz default now())
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  -- Two subjects: that the balances agree resolves nothing that the entries themselves have shown.
  v_subject text := case when p_is_whole then 'ledger entries' else 'ledger balances' end;
  v_broken jsonb;
begin
  if p_is_whole then
    select jsonb_agg(to_jsonb(c) order by c.account_id, c.asset) into v_broken from check_ledger() c;
  else
    select jsonb_agg(to_jsonb(c) order by c.account_id, c.asset) into v_broken from check_balances() c;
  end if;
  if v_broken is not null then
    perform raise_alert(
      p_code => 'LEDGER_BROKEN',
      p_severity => 'CRITICAL',
      p_subject => v_subject,
      p_message => format('Ledger entries do not sum to the booked balances: %s of account %s and %s more',
                          v_broken -> 0 ->> 'asset', v_broken -> 0 ->> 'account_id', jsonb_array_length(v_broken) - 1),
      p_details => jsonb_build_object('count', jsonb_array_length(v_broken), 'balances', jsonb_path_query_array(v_broken, '$[0 to 19]')),
      p_now => p_now
    );
  else
    perform resolve_alert(p_code => 'LEDGER_BROKEN', p_subject => v_subject, p_now => p_now);
  end if;
  return v_broken is null;
end
$$;
comment on function botbox.monitor_ledger is
  'Whether every booked balance is the sum of its ledger entries; raises or resolves LEDGER_BROKEN with the figures. By their running totals, every minute, or p_is_whole by the entries themselves, every hour: 200 ms a million entries.';
