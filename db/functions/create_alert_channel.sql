create function botbox.create_alert_channel(
  p_name text,
  p_kind text,
  p_target text,
  p_settings bytea,
  p_minimum_severity botbox.severity default 'WARNING',
  p_escalate_after_minutes integer default null,
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns bigint
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_id bigint;
begin
  insert into alert_channels (name, kind, target, settings, minimum_severity, escalate_after_minutes, created_at, created_by)
  values (p_name, p_kind, p_target, p_settings, p_minimum_severity, p_escalate_after_minutes, p_now, p_actor)
  returning id into v_id;
  perform record_audit(
    p_actor => p_actor, p_action => 'alert_channel.create', p_subject => 'channel ' || p_name,
    p_after => jsonb_build_object(
      'kind', p_kind, 'target', p_target, 'minimum_severity', p_minimum_severity, 'escalate_after_minutes', p_escalate_after_minutes
    ),
    p_now => p_now
  );
  perform pg_notify('botbox_alerts', 'channel');
  return v_id;
end
$$;
comment on function botbox.create_alert_channel is
  'Makes a channel for alerts; p_settings are its address and secrets, encrypted. Throws unique_violation for a name that is taken. Alerts that are open are sent to it at once.';
