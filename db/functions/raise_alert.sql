create function botbox.raise_alert(
  p_code text,
  p_severity botbox.severity,
  p_subject text,
  p_message text,
  p_details jsonb default '{}',
  p_now timestamptz default now()
)
returns bigint
language sql
set search_path = botbox, pg_temp
as $$
  with raised as (
    insert into alerts as a (code, severity, subject, message, details, opened_at, last_seen_at)
    values (p_code, p_severity, p_subject, p_message, p_details, p_now, p_now)
    on conflict (code, subject) where resolved_at is null do update
       set occurrences = a.occurrences + 1,
           last_seen_at = p_now,
           -- The worst that was seen: channels for the worst only are told when it becomes that.
           severity = least(a.severity, excluded.severity),
           message = excluded.message,
           details = excluded.details
    returning a.id, a.occurrences
  ),
  told as (
    select pg_notify('botbox_alerts', r.id::text) from raised r where r.occurrences = 1
  )
  select r.id from raised r left join told t on true;
$$;
comment on function botbox.raise_alert is 'Opens an alert, or counts another sighting of the open one with the same code and subject.';
