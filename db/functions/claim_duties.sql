create function botbox.claim_duties(p_duties jsonb, p_worker_id text, p_now timestamptz default now())
returns setof text
language sql
set search_path = botbox, pg_temp
as $$
  insert into duties as d (name, next_run_at, claimed_by, claimed_at)
  select g.name, p_now + make_interval(secs => g.interval_ms / 1000.0), p_worker_id, p_now
    from jsonb_to_recordset(p_duties) as g (name text, interval_ms integer)
   order by g.name
  on conflict (name) do update
     set next_run_at = excluded.next_run_at,
         claimed_by = excluded.claimed_by,
         claimed_at = excluded.claimed_at
   where d.next_run_at <= p_now
  returning d.name;
$$;
comment on function botbox.claim_duties is
  'Of the given duties [{name, interval_ms}], those that are due now and now belong to this worker; each is due again after its interval, whoever is alive then.';
