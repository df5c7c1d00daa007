create function botbox.find_paper_balances(p_account_id bigint)
returns table (asset text, quantity text)
language sql
stable
set search_path = botbox, pg_temp
as $$
  with spot_orders as (
    select i.base_asset, i.quote_asset, o.price::numeric as price,
           case o.side when 'BUY' then o.quantity else -o.quantity end as change
      from paper_orders o
      join instruments i on i.id = o.instrument_id
     where o.account_id = p_account_id
       and i.market_type = 'SPOT'
  ),
  changes as (
    select e.asset, e.amount::numeric as amount
      from ledger_entries e
     where e.account_id = p_account_id
       and e.kind = 'TRANSFER'
    union all
    select i.settle_asset, r.realised
      from replay_paper_orders(p_account_id => p_account_id) r
      join instruments i on i.id = r.instrument_id
    union all
    select s.base_asset, s.change
      from spot_orders s
    union all
    select s.quote_asset, -s.change * s.price
      from spot_orders s
    union all
    select i.settle_asset, f.amount
      from paper_funding f
      join instruments i on i.id = f.instrument_id
     where f.account_id = p_account_id
    union all
    select o.fee_asset, -o.fee
      from paper_orders o
     where o.account_id = p_account_id
  )
  select c.asset, trim_scale(sum(c.amount))::text
    from changes c
   group by c.asset
   order by c.asset;
$$;
comment on function botbox.find_paper_balances is
  'Cash per asset of a paper account by the paper venue''s own reckoning: transfers, spot exchanges, realised profit at average cost, funding, and fees; independent of the books it is compared with.';
