create function botbox.prune_checks(
  p_life interval default interval '24 hours',
  p_signals_life interval default interval '365 days',
  p_limit integer default 20000,
  p_now timestamptz default now()
)
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_chunk record;
  v_newest timestamptz;
  v_rows integer;
begin
  if is_hypertable(p_table => 'checks') then
    -- One worker at a time: the chunk that another one looks at would vanish under it.
    if not pg_try_advisory_xact_lock(hashtextextended('botbox.prune_checks', 0)) then
      return 0;
    end if;
    -- One chunk a call, so that no lock is held for long; its signals keep the factors, so those checks may go as well.
    for v_chunk in
      select c.chunk, c.range_start, c.range_end from find_old_chunks(p_table => 'checks', p_before => p_now - p_life) c
    loop
      execute format('select max(recorded_at) from %s', v_chunk.chunk) into v_newest;
      -- After an outage checks are recorded long after they were due: they live as long as others.
      continue when v_newest >= p_now - p_life;
      begin
        perform set_config('lock_timeout', '1s', true);
        -- What is counted is what goes: nobody adds to the chunk from here on.
        execute format('lock table %s in access exclusive mode', v_chunk.chunk);
        execute format(
          'with hours as (
             select c.bot_id, date_bin(interval ''1 hour'', c.due_at, ''epoch''::timestamptz) as hour_at, c.outcome, count(*) as checks,
                    sum(c.duration_ms::double precision) as duration_ms_total, max(c.duration_ms) as duration_ms_max,
                    max(greatest(extract(epoch from c.recorded_at - c.due_at) * 1000, 0)) as late_ms_max
               from %s c
              group by 1, 2, 3
           ),
           counted as (
             insert into check_hours as h (bot_id, hour_at, outcome, checks, duration_ms_total, duration_ms_max, late_ms_max)
             select * from hours
                 on conflict (bot_id, hour_at, outcome) do update
                set checks = h.checks + excluded.checks,
                    duration_ms_total = h.duration_ms_total + excluded.duration_ms_total,
                    duration_ms_max = greatest(h.duration_ms_max, excluded.duration_ms_max),
                    late_ms_max = greatest(h.late_ms_max, excluded.late_ms_max)
           )
           select coalesce(sum(checks), 0)::integer from hours',
          v_chunk.chunk
        ) into v_rows;
        if not drop_chunk(p_chunk => v_chunk.chunk) then
          raise lock_not_available;
        end if;
        return v_rows;
      exception
        -- Somebody reads it: nothing was counted and nothing went.
        when lock_not_available then
          null;
      end;
    end loop;
    return 0;
  end if;

  with old as (
    (
      select c.bot_id, c.due_at, c.kind
        from checks c
       where c.recorded_at < p_now - p_life
         and c.signal_id is null
         -- Oldest first, so that nothing is left before what was counted last: checks with a signal are not read again and again.
         and c.recorded_at >= coalesce((select max(h.hour_at) from check_hours h) - interval '1 day', '-infinity')
       order by c.recorded_at
       limit p_limit
    )
    union all
    (
      select c.bot_id, c.due_at, c.kind
        from checks c
       where c.recorded_at < p_now - greatest(p_life, p_signals_life)
         and c.signal_id is not null
       order by c.recorded_at
       limit p_limit
    )
  ),
  gone as (
    delete from checks c
     using old o
     where c.bot_id = o.bot_id
       and c.due_at = o.due_at
       and c.kind = o.kind
    returning c.bot_id, c.due_at, c.outcome, c.duration_ms, c.recorded_at
  ),
  counted as (
    insert into check_hours as h (bot_id, hour_at, outcome, checks, duration_ms_total, duration_ms_max, late_ms_max)
    select g.bot_id, date_bin(interval '1 hour', g.due_at, 'epoch'::timestamptz), g.outcome, count(*), sum(g.duration_ms::double precision),
           max(g.duration_ms), max(greatest(extract(epoch from g.recorded_at - g.due_at) * 1000, 0))
      from gone g
     group by 1, 2, 3
     order by 1, 2, 3
    on conflict (bot_id, hour_at, outcome) do update
       set checks = h.checks + excluded.checks,
           duration_ms_total = h.duration_ms_total + excluded.duration_ms_total,
           duration_ms_max = greatest(h.duration_ms_max, excluded.duration_ms_max),
           late_ms_max = greatest(h.late_ms_max, excluded.late_ms_max)
    returning 1
  )
  select count(*)::integer into v_rows from gone;
  return v_rows;
end
$$;
comment on function botbox.prune_checks is
  'Checks past their life go and are counted into check_hours in the same transaction: on TimescaleDB one whole chunk, elsewhere up to p_limit of each kind: those without a signal, and those with one, which live as long as signals. Answers how many went.';
