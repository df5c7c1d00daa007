create function botbox.book_exit(
  p_order botbox.orders,
  p_instrument botbox.instruments,
  p_fill botbox.fill_input,
  p_fee_quote numeric,
  p_lots integer default null,
  p_now timestamptz default now()
)
returns botbox.positions
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_position positions;
  v_rest numeric;
  v_excess numeric;
  v_late_dust numeric;
  v_dust numeric := 0;
  v_filled numeric := p_order.filled_quantity + p_fill.quantity;
  v_lots integer;
begin
  select * into strict v_position from positions where id = p_order.position_id for no key update;
  v_rest := greatest(v_position.quantity - p_fill.quantity, 0);
  -- A fill that comes late may have sold what was written off as dust meanwhile.
  v_late_dust := least(greatest(p_fill.quantity - v_position.quantity, 0), v_position.dust_quantity);
  -- What is beyond that was never this position's: it has no entry price, so no profit or loss is booked for it. At the exchange it
  -- stands in the net position, where reconciliation shows it.
  v_excess := greatest(p_fill.quantity - v_position.quantity, 0) - v_late_dust;
  if v_excess > 0 then
    perform raise_alert(
      p_code => 'POSITION_OVERCLOSED',
      p_severity => 'CRITICAL',
      p_subject => 'position ' || v_position.id,
      p_message => format('A fill of %s closes more than the %s held by position %s', p_fill.quantity, v_position.quantity + v_late_dust, v_position.id),
      p_details => to_jsonb(p_fill) || jsonb_build_object('excess', v_excess),
      p_now => p_now
    );
  end if;
  -- A close of everything leaves lots in proportion. One of some lots takes each with the first fill of it, as an entry adds it:
  -- what is missing of a lot is sold by a retry, and nobody may take the lot for one that is still to be closed.
  v_lots := case
    when v_position.quantity = 0 then v_position.lots
    when p_lots is null then ceil(v_position.lots * v_rest / v_position.quantity)
    else v_position.lots
      - ceil(p_lots * least(v_filled, p_order.quantity) / p_order.quantity)
      + ceil(p_lots * p_order.filled_quantity / p_order.quantity)
  end;
  -- What is left below the smallest order cannot be sold: it is closed in the books, and said so. Not while the order goes on.
  if v_rest > 0
    and (v_rest < p_instrument.lot_size or v_rest < p_instrument.minimum_quantity)
    and (p_order.trade_id is null or v_filled >= p_order.quantity) then
    v_dust := v_rest;
    v_rest := 0;
  end if;

  update positions p
     set quantity = v_rest,
         exited_quantity = p.exited_quantity + p_fill.quantity - v_excess,
         dust_quantity = p.dust_quantity + v_dust - v_late_dust,
         average_exit_price = case
           when p_fill.quantity > v_excess then
             (coalesce(p.average_exit_price, 0) * p.exited_quantity + p_fill.price * (p_fill.quantity - v_excess))
             / (p.exited_quantity + p_fill.quantity - v_excess)
           else p.average_exit_price
         end,
         realised_pnl = p.realised_pnl
           + exit_pnl(p.direction, p.average_entry_price, p_fill.price, p_fill.quantity - v_excess, p_instrument.contract_size),
         fees = p.fees + p_fee_quote,
         lots = greatest(v_lots, 1),
         status = case when v_rest = 0 then 'CLOSED' else 'OPEN' end::position_status,
         closed_at = case when v_rest = 0 then greatest(p.closed_at, p_fill.filled_at) end,
         updated_at = p_now
   where p.id = v_position.id
  returning p.* into v_position;
  return v_position;
end
$$;
comment on function botbox.book_exit is
  'Reduces or closes the position that the order was sent for, and books the realised profit or loss before fees; what a fill closes beyond what is held, also one that comes after the close, is alerted and realises nothing. p_lots: lots that the order closes, 0 for the rest of one that is counted, null for all; a closed position keeps the lots it had last.';
