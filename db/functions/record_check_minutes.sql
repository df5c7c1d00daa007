create function botbox.record_check_minutes(p_grace interval default interval '2 minutes', p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_minute constant interval := interval '1 minute';
  v_from timestamptz;
  -- Minutes before it are over: whoever was due in them was checked in time by now, or not.
  v_until constant timestamptz := date_bin(interval '1 minute', p_now - p_grace, 'epoch'::timestamptz);
  v_rows integer;
begin
  select max(m.minute_at) + v_minute into v_from from check_minutes m;
  if v_from is null then
    select date_bin(v_minute, least(
             (select min(c.recorded_at) from checks c),
             (select min(greatest(b.next_check_at, b.created_at)) from bots b where b.status = 'ACTIVE')
           ), 'epoch'::timestamptz)
      into v_from;
  end if;
  if v_from is null or v_from >= v_until then
    return 0;
  end if;

  with recent as (
    -- A bot that was due at once when it was created was due at a grid point before it existed.
    select c.kind, c.outcome, c.duration_ms::double precision as duration_ms, c.recorded_at, b.interval_minutes,
           greatest(c.due_at, b.created_at) as due_at
      from checks c
      join bots b on b.id = c.bot_id
     where c.recorded_at >= v_from
  ),
  recorded as (
    select date_bin(v_minute, r.recorded_at, 'epoch'::timestamptz) as minute_at, count(*) as checks,
           count(*) filter (where r.kind = 'MANUAL') as manual,
           count(*) filter (where r.outcome = 'NO_SIGNAL') as no_signal,
           count(*) filter (where r.outcome = 'QUEUED') as queued,
           count(*) filter (where r.outcome = 'REJECTED') as rejected,
           count(*) filter (where r.outcome = 'REPEATED') as repeated,
           count(*) filter (where r.outcome = 'STALE_DATA') as stale_data,
           count(*) filter (where r.outcome = 'INSUFFICIENT_HISTORY') as insufficient_history,
           count(*) filter (where r.outcome = 'INACTIVE') as inactive,
           count(*) filter (where r.outcome = 'FAILED') as failed,
           count(*) filter (where r.outcome = 'TIMED_OUT') as timed_out,
           count(*) filter (where r.outcome = 'DRY_RUN') as dry_run,
           sum(r.duration_ms) as duration_ms_total, max(r.duration_ms) as duration_ms_max,
           coalesce(max(greatest(extract(epoch from r.recorded_at - r.due_at) * 1000, 0)) filter (where r.kind = 'SCHEDULED'), 0) as late_ms_max
      from recent r
     where r.recorded_at < v_until
     group by 1
  ),
  in_time as (
    select date_bin(v_minute, r.due_at, 'epoch'::timestamptz) as minute_at, count(*) as checks,
           count(*) filter (where r.outcome not in ('FAILED', 'TIMED_OUT')) as answered
      from recent r
     where r.kind = 'SCHEDULED'
       and r.due_at >= v_from
       and r.due_at < v_until
       and r.recorded_at <= r.due_at + p_grace
     group by 1
  ),
  -- Who waited from when until when: a late check stands for itself and for the points of its grid that it came too late for as well.
  waits as (
    select date_bin(v_minute, w.due_at, 'epoch'::timestamptz) as from_at, date_bin(v_minute, w.until_at, 'epoch'::timestamptz) as until_at,
           w.interval_minutes, count(*) as bots
      from (
             select r.due_at, r.recorded_at as until_at, r.interval_minutes
               from recent r
              where r.kind = 'SCHEDULED'
                and r.recorded_at > r.due_at + p_grace
             union all
             select greatest(b.next_check_at, b.created_at), p_now, b.interval_minutes
               from bots b
              where b.status = 'ACTIVE'
                and greatest(b.next_check_at, b.created_at) < v_until
           ) w
     group by 1, 2, 3
  ),
  missed as (
    select p.minute_at, sum(w.bots) as checks
      from waits w
     cross join lateral generate_series(w.from_at, w.until_at, make_interval(mins => w.interval_minutes)) as p (minute_at)
     where p.minute_at >= v_from
       and p.minute_at < v_until
       and (p.minute_at = w.from_at or p.minute_at + p_grace <= w.until_at)
     group by 1
  )
  insert into check_minutes (
    minute_at, due, in_time, answered, checks, manual, no_signal, queued, rejected, repeated, stale_data, insufficient_history, inactive,
    failed, timed_out, dry_run, duration_ms_total, duration_ms_max, late_ms_max
  )
  select minute_at, coalesce(i.checks, 0) + coalesce(m.checks, 0), coalesce(i.checks, 0), coalesce(i.answered, 0), coalesce(r.checks, 0),
         coalesce(r.manual, 0), coalesce(r.no_signal, 0), coalesce(r.queued, 0), coalesce(r.rejected, 0), coalesce(r.repeated, 0),
         coalesce(r.stale_data, 0), coalesce(r.insufficient_history, 0), coalesce(r.inactive, 0), coalesce(r.failed, 0),
         coalesce(r.timed_out, 0), coalesce(r.dry_run, 0), coalesce(r.duration_ms_total, 0), coalesce(r.duration_ms_max, 0),
         coalesce(r.late_ms_max, 0)
    from in_time i
    full join missed m using (minute_at)
    full join recorded r using (minute_at)
  on conflict (minute_at) do nothing;
  get diagnostics v_rows = row_count;
  return v_rows;
end
$$;
comment on function botbox.record_check_minutes is
  'Counts the minutes that are over since the last one counted: bots that were due, those checked within p_grace, and what was recorded. Minutes in which nothing was due or recorded have no row. Answers how many were counted.';
