create function botbox.guard_position(p_position_id bigint, p_reason text, p_now timestamptz default now())
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_account_id bigint;
  v_instrument_id bigint;
  v_bot_id bigint;
begin
  select account_id, instrument_id, bot_id into v_account_id, v_instrument_id, v_bot_id from positions where id = p_position_id;
  -- The account before its positions, as everywhere.
  perform from accounts where id = v_account_id for no key update;
  update positions
     set protection = 'GUARD', updated_at = p_now
   where id = p_position_id
     and status = 'OPEN'
     and protection = 'EXCHANGE';
  if not found then
    return false;
  end if;
  -- Lots that wait in the queue go where the position goes.
  update trade_queue
     set protection = 'GUARD'
   where account_id = v_account_id
     and instrument_id = v_instrument_id
     and bot_id = v_bot_id
     and direction <> 'CLOSE'
     and protection = 'EXCHANGE'
     and status = 'PENDING';
  perform record_audit(
    p_actor => 'system', p_action => 'position.guard', p_subject => 'position ' || p_position_id,
    p_before => jsonb_build_object('protection', 'EXCHANGE'), p_after => jsonb_build_object('protection', 'GUARD', 'reason', p_reason), p_now => p_now
  );
  return true;
end
$$;
comment on function botbox.guard_position is
  'Takes the stops of an open position from the exchange to the guard, which watches them from the next price on; answers whether it did.';
