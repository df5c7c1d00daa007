create function botbox.revoke_token(p_token_id bigint, p_actor text default 'system', p_now timestamptz default now())
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
begin
  update api_tokens set revoked_at = p_now where id = p_token_id and revoked_at is null;
  if not found then
    return false;
  end if;
  perform record_audit(p_actor => p_actor, p_action => 'token.revoke', p_subject => 'token ' || p_token_id, p_now => p_now);
  -- Its event streams end, too.
  perform pg_notify('botbox_events', 'access');
  return true;
end
$$;
comment on function botbox.revoke_token is 'Revokes a token at once; false if there is none or it was revoked before.';
