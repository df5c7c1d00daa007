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
begin
  select status into v_before from accounts where id = p_account_id for no key update;
  if v_before is null then
    return null;
  end if;
  update accounts
     set status = p_status, status_reason = p_reason, updated_at = p_now
   where id = p_account_id;
  perform record_audit(
    p_actor => p_actor, p_action => 'account.status', p_subject => 'account ' || p_account_id,
    p_before => jsonb_build_object('status', v_before), p_after => jsonb_build_object('status', p_status, 'reason', p_reason), p_now => p_now
  );
  return p_status;
end
$$;
comment on function botbox.set_account_status is 'Moves an account between ACTIVE, REDUCING (closes only) and HALTED; null if there is no such account.';
