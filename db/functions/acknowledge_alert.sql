create function botbox.acknowledge_alert(p_id bigint, p_actor text, p_now timestamptz default now())
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_alert alerts;
begin
  select * into v_alert from alerts where id = p_id for update;
  if v_alert.id is null then
    return null;
  end if;
  if v_alert.resolved_at is not null or v_alert.acknowledged_at is not null then
    return false;
  end if;
  update alerts set acknowledged_at = p_now, acknowledged_by = p_actor where id = p_id;
  perform record_audit(
    p_actor => p_actor, p_action => 'alert.acknowledge', p_subject => 'alert ' || p_id,
    p_after => jsonb_build_object('code', v_alert.code, 'subject', v_alert.subject), p_now => p_now
  );
  perform pg_notify('botbox_alerts', p_id::text);
  return true;
end
$$;
comment on function botbox.acknowledge_alert is
  'A person says that they have seen an open alert: it is not sent again, and stays open until its cause is gone. False: acknowledged before, or resolved; null: there is no such alert.';
