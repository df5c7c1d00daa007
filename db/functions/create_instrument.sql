create function botbox.create_instrument(
  p_exchange_id text,
  p_symbol text,
  p_market_type botbox.market_type,
  p_base_asset text,
  p_quote_asset text,
  p_settle_asset text,
  p_tick_size numeric,
  p_lot_size numeric,
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns bigint
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_id bigint;
begin
  insert into instruments (
    exchange_id, symbol, exchange_symbol, market_type, base_asset, quote_asset, settle_asset, tick_size, lot_size, is_trading, refreshed_at
  )
  values (
    p_exchange_id, p_symbol, p_base_asset || p_quote_asset, p_market_type, p_base_asset, p_quote_asset, p_settle_asset, p_tick_size,
    -- Not trading until the exchange's own list names it, with its own precisions.
    p_lot_size, false, p_now
  )
  on conflict (exchange_id, symbol) do nothing
  returning id into v_id;
  if v_id is null then
    return (select i.id from instruments i where i.exchange_id = p_exchange_id and i.symbol = p_symbol);
  end if;
  perform record_audit(
    p_actor => p_actor, p_action => 'instrument.create', p_subject => 'instrument ' || v_id,
    p_after => jsonb_build_object('exchange', p_exchange_id, 'symbol', p_symbol, 'tick_size', p_tick_size, 'lot_size', p_lot_size), p_now => p_now
  );
  return v_id;
end
$$;
comment on function botbox.create_instrument is
  'An instrument for recorded candles of a market that the exchange does not list; not trading until the exchange lists it. Answers the present one if there is one.';
