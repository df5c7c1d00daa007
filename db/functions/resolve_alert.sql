create function botbox.resolve_alert(p_code text, p_subject text, p_now timestamptz default now())
returns boolean
language sql
set search_path = botbox, pg_temp
as $$
  with resolved as (
    update alerts
       set resolved_at = p_now
     where code = p_code
       and subject = p_subject
       and resolved_at is null
    returning id
  )
  select exists (select from resolved);
$$;
comment on function botbox.resolve_alert is 'Closes the open alert with this code and subject, if there is one: its cause is gone.';
