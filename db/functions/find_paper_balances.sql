create function botbox.find_paper_balances(p_account_id bigint)
returns table (asset text, quantity text)
language sql
stable
set search_path = botbox, pg_temp
as $$
  with recursive numbered as (
    select o.instrument_id, i.settle_asset, i.contract_size, o.price,
           case o.side when 'BUY' then o.quantity else -o.quantity end as change,
           row_number() over (partition by o.instrument_id order by o.filled_at, o.id) as turn
      from paper_orders o
      join instruments i on i.id = o.instrument_id
     where o.account_id = p_account_id
       and i.market_type = 'LINEAR'
  ),
  -- One step per order: net position, its average price, and what was paid out when it shrank or turned.
  steps as (
    select n.instrument_id, n.settle_asset, n.contract_size, n.turn, n.change as net, n.price::numeric as average, 0::numeric as paid
      from numbered n
     where n.turn = 1
    union all
    select n.instrument_id, n.settle_asset, n.contract_size, n.turn,
           s.net + n.change,
           case
             when s.net * n.change >= 0 then (s.average * abs(s.net) + n.price * abs(n.change)) / abs(s.net + n.change)
             when abs(n.change) > abs(s.net) then n.price
             else s.average
           end,
           case
             when s.net * n.change >= 0 then 0
             else (n.price - s.average) * sign(s.net) * least(abs(n.change), abs(s.net)) * n.contract_size
           end
      from steps s
      join numbered n on n.instrument_id = s.instrument_id and n.turn = s.turn + 1
  ),
  changes as (
    select e.asset, e.amount::numeric as amount
      from ledger_entries e
     where e.account_id = p_account_id
       and e.kind = 'TRANSFER'
    union all
    select s.settle_asset, s.paid
      from steps s
    union all
    select i.base_asset, case o.side when 'BUY' then o.quantity else -o.quantity end
      from paper_orders o
      join instruments i on i.id = o.instrument_id
     where o.account_id = p_account_id
       and i.market_type = 'SPOT'
    union all
    select i.quote_asset, case o.side when 'BUY' then -o.quantity else o.quantity end * o.price
      from paper_orders o
      join instruments i on i.id = o.instrument_id
     where o.account_id = p_account_id
       and i.market_type = 'SPOT'
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
  'Cash per asset of a paper account by the paper venue''s own reckoning: transfers, spot exchanges, realised profit at average cost, and fees; independent of the books it is compared with.';
