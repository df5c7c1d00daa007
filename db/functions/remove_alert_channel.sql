create function botbox.remove_alert_channel(p_name text, p_actor text default 'system', p_now timestamptz default now())
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_channel alert_channels;
begin
  delete from alert_channels where name = p_name returning * into v_channel;
  if v_channel.id is null then
    return false;
  end if;
  perform resolve_alert(p_code => 'CHANNEL_DEAD', p_subject => 'channel ' || p_name, p_now => p_now);
  perform record_audit(
    p_actor => p_actor, p_action => 'alert_channel.remove', p_subject => 'channel ' || p_name,
    p_before => jsonb_build_object('kind', v_channel.kind, 'target', v_channel.target), p_now => p_now
  );
  return true;
end
$$;
comment on function botbox.remove_alert_channel is 'Removes a channel with its record of deliveries; what waits for it is not sent. False: there is none of this name.';
