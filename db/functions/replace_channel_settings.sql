create function botbox.replace_channel_settings(p_channel_id bigint, p_settings bytea, p_actor text default 'system', p_now timestamptz default now())
returns void
language plpgsql
set search_path = botbox, pg_temp
as $$
begin
  update alert_channels set settings = p_settings where id = p_channel_id;
  perform record_audit(p_actor => p_actor, p_action => 'alert_channel.reencrypt', p_subject => 'channel ' || (select name from alert_channels where id = p_channel_id), p_now => p_now);
end
$$;
comment on function botbox.replace_channel_settings is 'Puts the settings of a channel, encrypted with another key, in the place of the former ones.';
