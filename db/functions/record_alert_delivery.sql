create function botbox.record_alert_delivery(
  p_channel_id bigint,
  p_delivery_ids bigint[],
  p_error text default null,
  p_is_last boolean default false,
  p_now timestamptz default now()
)
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_channel alert_channels;
  v_is_dead boolean;
begin
  update alert_deliveries
     set delivered_at = case when p_error is null then p_now end,
         given_up_at = case when p_error is not null and p_is_last then p_now end,
         error = left(p_error, 500),
         claimed_until = null
   where id = any (p_delivery_ids)
     and channel_id = p_channel_id
     and delivered_at is null
     and given_up_at is null;
  update alert_channels
     set consecutive_failures = case when p_error is null then 0 else consecutive_failures + 1 end,
         last_delivered_at = case when p_error is null then p_now else last_delivered_at end,
         last_failed_at = case when p_error is null then last_failed_at else p_now end,
         last_error = case when p_error is null then last_error else left(p_error, 500) end
   where id = p_channel_id
  returning * into v_channel;
  if v_channel.id is null then
    return null;
  end if;
  v_is_dead := v_channel.consecutive_failures >= alert_threshold('CHANNEL_DEAD');
  if v_is_dead then
    perform raise_alert(
      p_code => 'CHANNEL_DEAD', p_severity => 'CRITICAL', p_subject => 'channel ' || v_channel.name,
      p_message => format('Channel %s took none of the last %s messages: %s', v_channel.name, v_channel.consecutive_failures, v_channel.last_error),
      p_details => jsonb_build_object('channel_id', v_channel.id, 'failures', v_channel.consecutive_failures), p_now => p_now
    );
  elsif p_error is null then
    perform resolve_alert(p_code => 'CHANNEL_DEAD', p_subject => 'channel ' || v_channel.name, p_now => p_now);
  end if;
  return not v_is_dead;
end
$$;
comment on function botbox.record_alert_delivery is
  'Writes down whether a channel took a message, of these deliveries or of a test without any; p_is_last: the last attempt. Raises or resolves CHANNEL_DEAD. Answers whether the channel counts as alive; null: it is gone.';
