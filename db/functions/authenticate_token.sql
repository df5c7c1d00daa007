create function botbox.authenticate_token(p_token_hash bytea, p_now timestamptz default now())
returns table (token_id bigint, name text, role botbox.token_role)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select t.id, t.name, t.role
    from api_tokens t
   where t.token_hash = p_token_hash
     and t.revoked_at is null
     and (t.expires_at is null or t.expires_at > p_now);
$$;
comment on function botbox.authenticate_token is 'The valid token with this hash; no row if it is unknown, expired or revoked.';
