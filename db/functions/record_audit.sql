create function botbox.record_audit(
  p_actor text,
  p_action text,
  p_subject text,
  p_before jsonb default null,
  p_after jsonb default null,
  p_now timestamptz default now()
)
returns void
language sql
set search_path = botbox, pg_temp
as $$
  insert into audit_log (at, actor, action, subject, before, after)
  values (p_now, p_actor, p_action, p_subject, p_before, p_after);
$$;
comment on function botbox.record_audit is 'Adds one line to the audit log: who did what to which thing, before and after.';
