create function botbox.write_off_dust(p_position_id bigint, p_now timestamptz default now())
returns botbox.verdict
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_position positions;
  v_instrument instruments;
begin
  select * into strict v_position from positions where id = p_position_id for no key update;
  select * into strict v_instrument from instruments where id = v_position.instrument_id;
  update positions
     set dust_quantity = dust_quantity + quantity,
         quantity = 0,
         status = 'CLOSED',
         closed_at = p_now,
         updated_at = p_now
   where id = p_position_id;
  perform raise_alert(
    p_code => 'DUST_WRITTEN_OFF',
    p_severity => 'INFO',
    p_subject => 'position ' || p_position_id,
    p_message => format('%s %s of position %s is below what can be sold: closed in the books',
                        v_position.quantity, v_instrument.base_asset, p_position_id),
    p_now => p_now
  );
  return row('BELOW_MINIMUM', jsonb_build_object('quantity', v_position.quantity, 'minimum_quantity', v_instrument.minimum_quantity))::verdict;
end
$$;
comment on function botbox.write_off_dust is
  'Closes in the books a position too small for any order, and says so by an alert; the asset stays in the account''s balance.';
