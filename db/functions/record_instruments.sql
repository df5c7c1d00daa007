create function botbox.record_instruments(p_exchange_id text, p_instruments jsonb, p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_count integer;
begin
  insert into instruments as i (
    exchange_id, symbol, exchange_symbol, market_type, base_asset, quote_asset, settle_asset, tick_size, lot_size, minimum_quantity,
    maximum_quantity, minimum_notional, maximum_notional, contract_size, taker_fee_rate, maker_fee_rate, is_trading, refreshed_at
  )
  select p_exchange_id, n.symbol, n.exchange_symbol, n.market_type, n.base_asset, n.quote_asset, n.settle_asset, n.tick_size, n.lot_size,
         coalesce(n.minimum_quantity, 0),
         -- A maximum below the minimum, as Binance's 0 where it takes no market orders: no order at all, and no reason to refuse the list.
         case when n.maximum_quantity >= coalesce(n.minimum_quantity, 0) and n.maximum_quantity > 0 then n.maximum_quantity end, coalesce(n.minimum_notional, 0), n.maximum_notional, coalesce(n.contract_size, 1),
         coalesce(n.taker_fee_rate, 0), coalesce(n.maker_fee_rate, 0),
         n.is_trading and coalesce(n.maximum_quantity >= coalesce(n.minimum_quantity, 0) and n.maximum_quantity > 0, true), p_now
    from jsonb_to_recordset(p_instruments) as n (
           symbol text, exchange_symbol text, market_type market_type, base_asset text, quote_asset text, settle_asset text,
           tick_size numeric, lot_size numeric, minimum_quantity numeric, maximum_quantity numeric, minimum_notional numeric,
           maximum_notional numeric,
           contract_size numeric, taker_fee_rate numeric, maker_fee_rate numeric, is_trading boolean
         )
   order by n.symbol
  on conflict (exchange_id, symbol) do update
     set exchange_symbol = excluded.exchange_symbol,
         tick_size = excluded.tick_size,
         lot_size = excluded.lot_size,
         minimum_quantity = excluded.minimum_quantity,
         maximum_quantity = excluded.maximum_quantity,
         minimum_notional = excluded.minimum_notional,
         maximum_notional = excluded.maximum_notional,
         contract_size = excluded.contract_size,
         taker_fee_rate = excluded.taker_fee_rate,
         maker_fee_rate = excluded.maker_fee_rate,
         is_trading = excluded.is_trading,
         figures_changed_at = case
           when (
             i.tick_size, i.lot_size, i.minimum_quantity, i.maximum_quantity, i.minimum_notional, i.maximum_notional, i.contract_size, i.is_trading
           ) is distinct from (
             excluded.tick_size, excluded.lot_size, excluded.minimum_quantity, excluded.maximum_quantity, excluded.minimum_notional,
             excluded.maximum_notional, excluded.contract_size, excluded.is_trading
           ) then p_now
           else i.figures_changed_at
         end,
         refreshed_at = p_now;
  get diagnostics v_count = row_count;

  -- What the exchange no longer lists is no longer traded; positions in it keep their instrument.
  update instruments
     set is_trading = false,
         figures_changed_at = p_now
   where exchange_id = p_exchange_id
     and refreshed_at < p_now
     and is_trading
     and v_count > 0;
  update exchanges set markets_refreshed_at = p_now where id = p_exchange_id;
  return v_count;
end
$$;
comment on function botbox.record_instruments is
  'Takes over the exchange''s whole market list: new instruments, changed precisions and minimums (figures_changed_at says when), delisted ones marked as not trading.';
