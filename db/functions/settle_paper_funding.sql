create function botbox.settle_paper_funding(p_account_id bigint, p_since timestamptz, p_now timestamptz default now())
returns table (symbol text, asset text, amount text, reference text, paid_at timestamptz)
language sql
set search_path = botbox, pg_temp
as $$
  -- Fundings that have not been settled yet; one that nothing was held through is settled with nothing, and not looked at again.
  with due as (
    select f.instrument_id, f.funding_at, f.rate::numeric as rate, i.contract_size::numeric as contract_size
      from funding_rates f
      join instruments i on i.id = f.instrument_id and i.market_type = 'LINEAR'
     where f.funding_at > p_since
       and f.funding_at <= p_now
       and exists (select from paper_orders o where o.account_id = p_account_id and o.instrument_id = f.instrument_id)
       and not exists (
             select
               from paper_funding p
              where p.account_id = p_account_id
                and p.instrument_id = f.instrument_id
                and p.funding_at = f.funding_at
           )
  ),
  settled as (
    insert into paper_funding (account_id, instrument_id, funding_at, amount)
    select p_account_id, d.instrument_id, d.funding_at, -held.net * d.contract_size * c.close * d.rate
      from due d
     cross join lateral (
             select coalesce(sum(case o.side when 'BUY' then o.quantity else -o.quantity end), 0) as net
               from paper_orders o
              where o.account_id = p_account_id
                and o.instrument_id = d.instrument_id
                and o.filled_at < d.funding_at
           ) held
      -- At the price of the minute before.
     cross join lateral (
             select k.close::numeric as close
               from candles k
              where k.instrument_id = d.instrument_id
                and k.timeframe = '1m'
                and k.open_at < d.funding_at
              order by k.open_at desc
              limit 1
           ) c
    on conflict do nothing
    returning instrument_id, funding_at, amount
  ),
  known as (
    select s.instrument_id, s.funding_at, s.amount from settled s
    union all
    select p.instrument_id, p.funding_at, p.amount
      from paper_funding p
     where p.account_id = p_account_id
       and p.funding_at > p_since
  )
  select i.symbol, i.settle_asset, trim_scale(k.amount::numeric)::text,
         'paper ' || k.instrument_id || ' ' || extract(epoch from k.funding_at)::bigint, k.funding_at
    from known k
    join instruments i on i.id = k.instrument_id
   where k.amount <> 0
   order by k.funding_at, k.instrument_id;
$$;
comment on function botbox.settle_paper_funding is
  'Funding of a paper account since a time: settles once what became due, longs paying shorts a positive rate, and answers all of it.';
