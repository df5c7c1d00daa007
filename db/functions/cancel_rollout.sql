create function botbox.cancel_rollout(
  p_account_id bigint,
  p_is_unlimited boolean default false,
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_account accounts;
  v_count integer;
begin
  select * into v_account from accounts where id = p_account_id for no key update;
  if v_account.id is null then
    return null;
  end if;
  update rollout_steps s
     set cancelled_at = p_now, held_since = null, held_reason = null
   where s.account_id = p_account_id
     and s.taken_at is null
     and s.cancelled_at is null;
  get diagnostics v_count = row_count;
  if p_is_unlimited then
    update accounts set max_active_bots = null, updated_at = p_now where id = p_account_id;
  end if;
  perform record_audit(
    p_actor => p_actor, p_action => 'rollout.cancel', p_subject => 'account ' || p_account_id,
    p_before => jsonb_build_object('max_active_bots', v_account.max_active_bots, 'steps', v_count),
    p_after => jsonb_build_object('max_active_bots', case when not p_is_unlimited then v_account.max_active_bots end), p_now => p_now
  );
  return v_count;
end
$$;
comment on function botbox.cancel_rollout is
  'Gives up the steps that are not taken yet; the limit stays as it is, or goes if p_is_unlimited, and then waiting bots start within a minute. Answers how many steps, null if there is no such account.';
