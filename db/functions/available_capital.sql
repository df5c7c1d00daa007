create function botbox.available_capital(p_account_id bigint)
returns numeric
language sql
stable
set search_path = botbox, pg_temp
as $$
  select least(
           a.capital - committed.all_positions,
           -- Buying spot has already left the booked balance, margin of perpetuals has not.
           coalesce(b.booked, 0) - committed.perpetuals
         ) - reserved.total
    from accounts a
    left join account_balances b
      on b.account_id = a.id
     and b.asset = a.settle_asset
    cross join lateral (
      select coalesce(sum(c.cost), 0) as all_positions,
             coalesce(sum(c.cost) filter (where c.market_type = 'LINEAR'), 0) as perpetuals
        from (
          select p.quantity * p.average_entry_price * i.contract_size / p.leverage as cost, i.market_type
            from positions p
            join instruments i on i.id = p.instrument_id
           where p.account_id = a.id
             and p.status = 'OPEN'
        ) c
    ) committed
    cross join lateral (
      select coalesce(sum(t.reserved_capital), 0) as total
        from trade_queue t
       where t.account_id = a.id
         and t.status in ('PENDING', 'EXECUTING', 'PARKED')
    ) reserved
   where a.id = p_account_id;
$$;
comment on function botbox.available_capital is
  'Capital an account may still commit, in its settlement asset: the lesser of its limit and its booked balance, less positions and what queued entries have reserved.';
