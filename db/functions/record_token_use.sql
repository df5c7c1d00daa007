create function botbox.record_token_use(p_token_id bigint, p_now timestamptz default now())
returns boolean
language sql
set search_path = botbox, pg_temp
as $$
  with used as (
    update api_tokens
       set last_used_at = p_now
     where id = p_token_id
       and (last_used_at is null or last_used_at < p_now - interval '1 minute')
    returning id
  )
  select exists (select from used);
$$;
comment on function botbox.record_token_use is 'Notes that a token was used, at most once a minute: a token that nobody uses can be revoked.';
