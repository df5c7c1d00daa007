create function botbox.lock_credentials()
returns table (account_id bigint, name text, credentials bytea)
language sql
set search_path = botbox, pg_temp
as $$
  select a.id, a.name, a.credentials
    from accounts a
   where a.credentials is not null
   order by a.id
     for no key update;
$$;
comment on function botbox.lock_credentials is
  'Every account''s encrypted credentials, locked until the transaction ends: for a change of the master key, which is all or nothing.';
