create function botbox.set_alert_rule(
  p_code text,
  p_threshold numeric default null,
  p_is_delivered boolean default null,
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_before alert_rules;
  v_after alert_rules;
begin
  select * into v_before from alert_rules where code = p_code for update;
  if v_before.code is null then
    return false;
  end if;
  if p_threshold is not null and v_before.unit is null then
    raise exception 'alert % has no threshold', p_code using errcode = 'check_violation';
  end if;
  update alert_rules
     set threshold = coalesce(p_threshold, threshold),
         is_delivered = coalesce(p_is_delivered, is_delivered),
         changed_at = p_now,
         changed_by = p_actor
   where code = p_code
  returning * into v_after;
  perform record_audit(
    p_actor => p_actor, p_action => 'alert_rule.set', p_subject => p_code,
    p_before => jsonb_build_object('threshold', v_before.threshold, 'is_delivered', v_before.is_delivered),
    p_after => jsonb_build_object('threshold', v_after.threshold, 'is_delivered', v_after.is_delivered), p_now => p_now
  );
  return true;
end
$$;
comment on function botbox.set_alert_rule is
  'Changes the threshold of an alert, or whether it is sent to channels; what is left out stays. False: there is no such alert. Throws check_violation for a threshold that cannot be.';
