create function botbox.pause_entries(
  p_scope botbox.pause_scope,
  p_reason text,
  p_exchange_id text default null,
  p_account_id bigint default null,
  p_bot_id bigint default null,
  p_lifts_at timestamptz default null,
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns bigint
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_id bigint;
begin
  insert into pauses (scope, exchange_id, account_id, bot_id, reason, created_by, created_at, lifts_at)
  values (p_scope, p_exchange_id, p_account_id, p_bot_id, p_reason, p_actor, p_now, p_lifts_at)
  returning id into strict v_id;
  perform record_audit(
    p_actor => p_actor, p_action => 'pause', p_subject => concat_ws(' ', lower(p_scope::text), p_exchange_id, p_account_id, p_bot_id),
    p_after => jsonb_build_object('pause_id', v_id, 'reason', p_reason, 'lifts_at', p_lifts_at), p_now => p_now
  );
  return v_id;
end
$$;
comment on function botbox.pause_entries is 'Stops entries of a scope, until a time or until resumed; positions, their stops and their closes go on.';
