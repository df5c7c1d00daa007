create function botbox.queue_flatten(p_position_id bigint, p_now timestamptz default now())
returns botbox.decision
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_position positions;
begin
  select * into strict v_position from positions where id = p_position_id;
  return decide_signal(
    p_signal => row(
      v_position.bot_id, v_position.instrument_id, 'CLOSE', 'FLATTEN', date_trunc('minute', p_now),
      coalesce((select k.last from tickers k where k.instrument_id = v_position.instrument_id), v_position.average_entry_price),
      null, null, null, null, null, null, null, null,
      null, null, null, null, null
    )::signal_input,
    p_now => p_now
  );
end
$$;
comment on function botbox.queue_flatten is
  'Decides a close of a whole position by a person''s word, at the latest price that is known. The caller holds the account''s lock.';
