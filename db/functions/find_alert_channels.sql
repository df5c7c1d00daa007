create function botbox.find_alert_channels(p_name text default null)
returns table (channel_id bigint, name text, kind text, settings bytea)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select c.id, c.name, c.kind, c.settings from alert_channels c where p_name is null or c.name = p_name order by c.id;
$$;
comment on function botbox.find_alert_channels is 'Channels, or the one of a name, with their encrypted settings; for whoever sends.';
