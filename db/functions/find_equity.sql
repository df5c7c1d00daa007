create function botbox.find_equity(p_account_id bigint)
returns numeric
language sql
stable
set search_path = botbox, pg_temp
as $$
  select trim_scale(round(a.capital + booked.pnl + unrealised.pnl, 8))
    from accounts a
    cross join lateral (
      -- Of all positions ever: an index holds the three columns, so that none of the rows is read.
      select coalesce(sum(p.realised_pnl - p.fees + p.funding), 0) as pnl
        from positions p
       where p.account_id = a.id
    ) booked
    cross join lateral (
      select coalesce(sum(exit_pnl(p.direction, p.average_entry_price, k.last, p.quantity, i.contract_size)), 0) as pnl
        from positions p
        join instruments i on i.id = p.instrument_id
        join tickers k on k.instrument_id = p.instrument_id
       where p.account_id = a.id
         and p.status = 'OPEN'
    ) unrealised
   where a.id = p_account_id;
$$;
comment on function botbox.find_equity is
  'What an account is worth now, in its settlement asset: capital plus what its positions earned, those that are open at the last price. Deposits and withdrawals are no profit and do not move it.';
