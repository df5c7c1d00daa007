create function botbox.record_equity(p_account_id bigint, p_now timestamptz default now())
returns void
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_equity numeric := find_equity(p_account_id => p_account_id);
  v_newest account_equity;
begin
  -- The caller holds the account's row lock: nobody resumes it, and so begins a new peak, between reading and writing.
  select * into v_newest from account_equity where account_id = p_account_id order by at desc limit 1;
  if v_newest.at >= date_bin(interval '5 minutes', p_now, 'epoch') then
    update account_equity
       set peak = v_equity
     where account_id = p_account_id
       and at = v_newest.at
       and peak < v_equity;
  else
    insert into account_equity (account_id, at, equity, peak)
    values (p_account_id, date_bin(interval '5 minutes', p_now, 'epoch'), v_equity, greatest(v_newest.peak, v_equity));
  end if;
end
$$;
comment on function botbox.record_equity is
  'Notes what an account is worth: a row at the first look in each five minutes, and its peak at every look. The caller must hold the lock of the account''s row.';
