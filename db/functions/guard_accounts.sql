create function botbox.guard_accounts(p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_account accounts;
  v_breach verdict;
  v_count integer := 0;
begin
  -- An account that is deciding or booking at this moment is looked at in the next round; its decisions look by themselves.
  for v_account in
    select * from accounts order by id for no key update skip locked
  loop
    perform record_equity(p_account_id => v_account.id, p_now => p_now);
    continue when v_account.status <> 'ACTIVE';
    v_breach := find_breach(p_account => v_account, p_now => p_now);
    if v_breach.reason_code is not null then
      perform reduce_account(p_account_id => v_account.id, p_breach => v_breach, p_now => p_now);
      v_count := v_count + 1;
    end if;
  end loop;
  return v_count;
end
$$;
comment on function botbox.guard_accounts is
  'Notes the equity of all accounts, and moves those that lost too much in the day or fell too far below their peak to REDUCING; answers how many.';
