create function botbox.acknowledge_alert(p_alert_id bigint, p_actor text default 'system', p_now timestamptz default now())
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_alert alerts;
begin
  select * into v_alert from alerts where id = p_alert_id for no key update;
  if v_alert.id is null then
    return false;
  end if;
  if v_alert.resolved_at is not null then
    raise exception 'alert % is resolved already', p_alert_id using errcode = 'object_not_in_prerequisite_state';
  end if;
  if v_alert.acknowledged_at is not null then
    return true;
  end if;
  update alerts set acknowledged_at = p_now, acknowledged_by = p_actor where id = p_alert_id;
  perform record_audit(
    p_actor => p_actor, p_action => 'alert.acknowledge', p_subject => 'alert ' || p_alert_id,
    p_after => jsonb_build_object('code', v_alert.code, 'subject', v_alert.subject), p_now => p_now
  );
  return true;
end
$$;
comment on function botbox.acknowledge_alert is
  'Somebody has seen an open alert and looks after it: it stays open until its cause is gone. False: there is no such alert.';
