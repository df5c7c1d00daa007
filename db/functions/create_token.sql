create function botbox.create_token(
  p_name text,
  p_role botbox.token_role,
  p_token_hash bytea,
  p_expires_at timestamptz default null,
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
  insert into api_tokens (name, role, token_hash, created_at, expires_at)
  values (p_name, p_role, p_token_hash, p_now, p_expires_at)
  returning id into strict v_id;
  perform record_audit(
    p_actor => p_actor, p_action => 'token.create', p_subject => 'token ' || v_id,
    p_after => jsonb_build_object('name', p_name, 'role', p_role, 'expires_at', p_expires_at), p_now => p_now
  );
  return v_id;
end
$$;
comment on function botbox.create_token is 'Stores the SHA-256 of a new API token with its role; the token itself never reaches the database.';
