create function botbox.free_places(p_account_id bigint)
returns integer
language sql
stable
set search_path = botbox, pg_temp
as $$
  select a.max_active_bots - (
           select count(*)::integer
             from bots b
            where b.account_id = a.id
              and b.status in ('ACTIVE', 'PAUSED')
              and not b.is_waiting
         )
    from accounts a
   where a.id = p_account_id;
$$;
comment on function botbox.free_places is
  'How many more bots of an account may start, below 0 where the limit was lowered; null: no limit. A PAUSED bot keeps its place. The caller holds the account''s lock.';
