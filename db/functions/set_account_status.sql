create function botbox.set_account_status(
  p_account_id bigint,
  p_status botbox.account_status,
  p_reason text default null,
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns botbox.account_status
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_before account_status;
  v_equity numeric;
begin
  select status into v_before from accounts where id = p_account_id for no key update;
  if v_before is null then
    return null;
  end if;
  update accounts
     set status = p_status, status_reason = p_reason, updated_at = p_now
   where id = p_account_id;
  if p_status = 'ACTIVE' and v_before <> 'ACTIVE' then
    -- Who resumes an account has seen what it lost: its losses and its peak count from here, or the same breach would stop it again.
    v_equity := find_equity(p_account_id => p_account_id);
    update accounts set losses_count_from = p_now where id = p_account_id;
    insert into account_equity (account_id, at, equity, peak)
    values (p_account_id, p_now, v_equity, v_equity)
    on conflict (account_id, at) do update
       set equity = excluded.equity,
           peak = excluded.peak;
    -- Credentials that are still refused halt it again at the next call.
    perform resolve_alert(p_code => c.code, p_subject => 'account ' || p_account_id, p_now => p_now)
       from unnest(array['ACCOUNT_REDUCING', 'CREDENTIALS_REFUSED', 'CREDENTIALS_UNREADABLE']) as c (code);
  end if;
  perform record_audit(
    p_actor => p_actor, p_action => 'account.status', p_subject => 'account ' || p_account_id,
    p_before => jsonb_build_object('status', v_before), p_after => jsonb_build_object('status', p_status, 'reason', p_reason), p_now => p_now
  );
  return p_status;
end
$$;
comment on function botbox.set_account_status is 'Moves an account between ACTIVE, REDUCING (closes only) and HALTED; null if there is no such account. Resumed, its losses count anew.';
