create function botbox.authenticate_session(p_session_hash bytea, p_now timestamptz default now())
returns table (role botbox.token_role, actor text, expires_at timestamptz)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select coalesce(s.role, t.role), coalesce('token:' || t.name, 'login link'), least(s.expires_at, t.expires_at)
    from sessions s
    left join api_tokens t on t.id = s.token_id
   where s.session_hash = p_session_hash
     and s.ended_at is null
     and s.expires_at > p_now
     and t.revoked_at is null
     and (t.expires_at is null or t.expires_at > p_now);
$$;
comment on function botbox.authenticate_session is 'The session whose cookie has this hash; no row if it is unknown, over, or its token is revoked or expired.';
