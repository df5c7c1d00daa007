create function botbox.unstopped_positions(p_account_id bigint, p_open_orders jsonb, p_asked_at timestamptz)
returns table (id bigint, symbol text, stop_loss_price numeric)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select p.id, i.symbol, p.stop_loss_price
    from positions p
    join instruments i on i.id = p.instrument_id
   where p.account_id = p_account_id
     and p.status = 'OPEN'
     and p.protection = 'EXCHANGE'
     and p.stop_loss_price is not null
     -- Young ones, and what moves while the exchange is asked, are looked at the next time.
     and p.updated_at < p_asked_at - interval '10 seconds'
     and not exists (select from trade_queue t where t.position_id = p.id and t.finished_at is null)
     and not exists (
           select
             from jsonb_to_recordset(p_open_orders) as r (symbol text, stop_kind text)
            where r.symbol = i.symbol
              and r.stop_kind = 'STOP_LOSS'
         );
$$;
comment on function botbox.unstopped_positions is
  'Positions of an account whose stop the exchange should keep and does not list among its open orders, as it was asked at p_asked_at.';
