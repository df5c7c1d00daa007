create function botbox.open_session(
  p_session_hash bytea,
  p_token_hash bytea default null,
  p_code_hash bytea default null,
  p_life interval default interval '12 hours',
  p_now timestamptz default now()
)
returns table (role botbox.token_role, actor text, expires_at timestamptz)
language plpgsql
set search_path = botbox, pg_temp
as $$
#variable_conflict use_column
declare
  v_token_id bigint;
  v_name text;
  v_role token_role;
  v_id bigint;
begin
  if p_token_hash is not null then
    select a.token_id, a.name, a.role into v_token_id, v_name, role from authenticate_token(p_token_hash => p_token_hash, p_now => p_now) a;
    if v_token_id is null then
      return;
    end if;
    actor := 'token:' || v_name;
  else
    -- Two that come with the same code at once: the row's lock lets one of them pass.
    update login_codes c
       set used_at = p_now
     where c.code_hash = p_code_hash
       and c.used_at is null
       and c.expires_at > p_now
    returning c.role into v_role;
    if v_role is null then
      return;
    end if;
    role := v_role;
    actor := 'login link';
  end if;
  insert into sessions (session_hash, token_id, role, created_at, expires_at)
  values (p_session_hash, v_token_id, v_role, p_now, p_now + p_life)
  returning id, sessions.expires_at into strict v_id, expires_at;
  perform record_audit(
    p_actor => actor, p_action => 'session.open', p_subject => 'session ' || v_id,
    p_after => jsonb_build_object('role', role, 'expires_at', expires_at), p_now => p_now
  );
  return next;
end
$$;
comment on function botbox.open_session is
  'Opens a browser''s session by a token, or by a login code, which is used up; no row if it is unknown, used, expired or revoked.';
