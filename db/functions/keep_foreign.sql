create function botbox.keep_foreign(
  p_account_id bigint,
  p_positions jsonb,
  p_open_orders jsonb,
  p_moving text[],
  p_now timestamptz default now()
)
returns void
language plpgsql
set search_path = botbox, pg_temp
as $$
#variable_conflict use_column
begin
  -- Called by reconcile_account, whose differences stand in its temporary table.
  insert into foreign_orders as f (
    account_id, instrument_id, symbol, exchange_order_id, client_order_id, side, quantity, adds_exposure, first_seen_at, last_seen_at
  )
  select distinct on (r.symbol, r.exchange_order_id)
         p_account_id, i.id, r.symbol, r.exchange_order_id, r.client_order_id, coalesce(r.side, 'BUY'), r.quantity - coalesce(r.filled_quantity, 0),
         r.stop_kind is null and not coalesce(r.reduce_only, false), p_now, p_now
    from jsonb_to_recordset(p_open_orders) as r (
           symbol text, exchange_order_id text, client_order_id text, side side, quantity numeric, filled_quantity numeric,
           stop_kind text, reduce_only boolean
         )
    join reconciliation d on d.difference in ('FOREIGN_ORDER', 'LOST_ORDER') and d.subject = r.symbol || ' ' || r.exchange_order_id
    join accounts a on a.id = p_account_id
    left join instruments i on i.exchange_id = a.exchange_id and i.symbol = r.symbol
  on conflict (account_id, symbol, exchange_order_id) do update
     set quantity = excluded.quantity,
         last_seen_at = p_now;
  delete from foreign_orders where account_id = p_account_id and last_seen_at < p_now;

  insert into foreign_positions as f (account_id, instrument_id, symbol, quantity, entry_price, first_seen_at, last_seen_at)
  select p_account_id, i.id, d.subject, d.reported - d.booked,
         (select max(r.entry_price) from jsonb_to_recordset(p_positions) as r (symbol text, entry_price numeric) where r.symbol = d.subject and r.entry_price > 0),
         p_now, p_now
    from reconciliation d
    join accounts a on a.id = p_account_id
    left join instruments i on i.exchange_id = a.exchange_id and i.symbol = d.subject
   where d.difference in ('POSITION', 'FOREIGN_POSITION')
     -- Less than ours in our direction is something missing, not something foreign.
     and not (sign(d.reported) in (0, sign(d.booked)) and abs(d.reported) < abs(d.booked))
  on conflict (account_id, symbol) do update
     set quantity = excluded.quantity,
         entry_price = excluded.entry_price,
         last_seen_at = p_now;
  delete from foreign_positions where account_id = p_account_id and last_seen_at < p_now and symbol <> all (p_moving);
end
$$;
comment on function botbox.keep_foreign is
  'Keeps the orders and positions of an account''s exchange that reconciliation has just found not to be ours, and forgets those that are gone; instruments of p_moving are left as they are.';
