create function botbox.lock_alert_channels()
returns table (channel_id bigint, name text, settings bytea)
language sql
set search_path = botbox, pg_temp
as $$
  select c.id, c.name, c.settings from alert_channels c order by c.id for update;
$$;
comment on function botbox.lock_alert_channels is 'All channels with their encrypted settings, locked until the transaction ends: for a new master key.';
