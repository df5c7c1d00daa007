create function botbox.request_reconciliation(p_account_ids bigint[], p_now timestamptz default now())
returns integer
language sql
set search_path = botbox, pg_temp
as $$
  with due as (
    update duties d
       set next_run_at = least(d.next_run_at, p_now)
      from unnest(p_account_ids) as a (id)
     where d.name = 'reconcile account ' || a.id
    returning d.name
  )
  select count(*)::integer from due;
$$;
comment on function botbox.request_reconciliation is
  'Makes the comparison of these accounts with their exchange due at once; answers how many have been compared before. The others come with the next worker that may.';
