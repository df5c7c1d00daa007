create function botbox.signal_hash(p_signal botbox.signal_input, p_position_id bigint)
returns text
language sql
stable
set search_path = botbox, pg_temp
as $$
  select encode(
    sha256(convert_to(
      case p_signal.direction
        when 'CLOSE' then concat_ws(
          '|', 'close', p_signal.bot_id, p_signal.instrument_id, p_position_id, p_signal.trigger_reason,
          -- Attempts before this one: a close that failed must not be taken for a repetition.
          (select count(*)
             from trade_queue t
            where t.position_id = p_position_id
              and t.finished_at is not null)
        )
        else concat_ws(
          '|', 'entry', p_signal.bot_id, p_signal.instrument_id, p_signal.direction,
          extract(epoch from p_signal.candle_at)::bigint
        )
      end,
      'utf8'
    )),
    'hex'
  );
$$;
comment on function botbox.signal_hash is
  'SHA-256, hex, of what makes a signal the same: bot, instrument, direction and candle; for a CLOSE bot, position, reason and attempt.';
