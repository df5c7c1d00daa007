create function botbox.create_login_code(
  p_code_hash bytea,
  p_role botbox.token_role,
  p_life interval default interval '30 minutes',
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns void
language plpgsql
set search_path = botbox, pg_temp
as $$
begin
  insert into login_codes (code_hash, role, created_at, expires_at) values (p_code_hash, p_role, p_now, p_now + p_life);
  perform record_audit(
    p_actor => p_actor, p_action => 'login_code.create', p_subject => 'login code',
    p_after => jsonb_build_object('role', p_role, 'expires_at', p_now + p_life), p_now => p_now
  );
end
$$;
comment on function botbox.create_login_code is 'Stores the SHA-256 of the code of a login link, which opens one session; the code itself never reaches the database.';
