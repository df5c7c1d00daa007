create function botbox.replace_credentials(
  p_account_id bigint,
  p_credentials bytea,
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns void
language plpgsql
set search_path = botbox, pg_temp
as $$
begin
  update accounts set credentials = p_credentials, updated_at = p_now where id = p_account_id and credentials is not null;
  if not found then
    raise exception 'account % has no credentials', p_account_id using errcode = 'object_not_in_prerequisite_state';
  end if;
  -- Another key may be one of another account of the exchange: nothing is known to be set there.
  delete from instrument_settings where account_id = p_account_id;
  perform record_audit(p_actor => p_actor, p_action => 'account.credentials', p_subject => 'account ' || p_account_id, p_now => p_now);
end
$$;
comment on function botbox.replace_credentials is 'Puts newly encrypted credentials in the place of an account''s own; the audit log says who and when, never what.';
