create function botbox.release_checks(p_bot_ids bigint[], p_worker_id text)
returns integer
language sql
set search_path = botbox, pg_temp
as $$
  with held as (
    select b.id
      from bots b
     where b.id = any (p_bot_ids)
       and b.claimed_by = p_worker_id
     order by b.id
       for no key update
  ),
  released as (
    update bots b
       set claimed_by = null,
           claimed_until = null
      from held h
     where b.id = h.id
    returning b.id
  )
  select count(*)::integer from released;
$$;
comment on function botbox.release_checks is 'Hands claimed checks back unrecorded, at shutdown or when the batch could not be evaluated; they stay due.';
