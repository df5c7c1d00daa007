create function botbox.post_fill(p_fill_id bigint, p_market_type botbox.market_type, p_now timestamptz default now())
returns void
language sql
set search_path = botbox, pg_temp
as $$
  with booked as (
    select f.*, i.base_asset, i.quote_asset, i.settle_asset
      from fills f
      join instruments i on i.id = f.instrument_id
     where f.id = p_fill_id
  ),
  entries as (
    -- Spot exchanges two assets; a linear perpetual pays out what was realised.
    select b.base_asset as asset, 'FILL'::ledger_kind as kind, case b.side when 'BUY' then b.quantity else -b.quantity end as amount
      from booked b
     where p_market_type = 'SPOT'
    union all
    select b.quote_asset, 'FILL', case b.side when 'BUY' then -b.quantity * b.price else b.quantity * b.price end
      from booked b
     where p_market_type = 'SPOT'
    union all
    select b.settle_asset, 'FILL', b.realised_pnl
      from booked b
     where p_market_type = 'LINEAR'
       and b.realised_pnl <> 0
    union all
    select b.fee_asset, 'FEE', -b.fee
      from booked b
     where b.fee <> 0
  ),
  posted as (
    insert into ledger_entries (account_id, asset, kind, amount, fill_id, position_id, occurred_at, recorded_at)
    select b.account_id, e.asset, e.kind, e.amount, b.id, b.position_id, b.filled_at, p_now
      from booked b
     cross join entries e
    returning account_id, asset, amount
  )
  insert into account_balances as balance (account_id, asset, booked)
  select p.account_id, p.asset, sum(p.amount)
    from posted p
   group by p.account_id, p.asset
  on conflict (account_id, asset) do update
     set booked = balance.booked + excluded.booked;
$$;
comment on function botbox.post_fill is 'Ledger entries of one fill and the booked balances they change, in one statement.';
