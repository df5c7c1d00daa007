create function botbox.reconcile_account(
  p_account_id bigint,
  p_positions jsonb,
  p_balances jsonb,
  p_open_orders jsonb,
  p_asked_at timestamptz,
  p_now timestamptz default now()
)
returns table (difference text, subject text, booked numeric, reported numeric)
language plpgsql
set search_path = botbox, pg_temp
as $$
#variable_conflict use_column
declare
  v_difference record;
begin
  create temporary table if not exists reconciliation (difference text, subject text, booked numeric, reported numeric) on commit drop;
  truncate reconciliation;

  -- Net per instrument: in one-way mode the exchange knows only the sum of what our bots hold.
  insert into reconciliation
  select 'POSITION', coalesce(ours.symbol, theirs.symbol), coalesce(ours.net, 0), coalesce(theirs.net, 0)
    from (
           select i.symbol, sum(case p.direction when 'LONG' then p.quantity else -p.quantity end) as net
             from positions p
             join instruments i on i.id = p.instrument_id
            where p.account_id = p_account_id
              and p.status = 'OPEN'
              and i.market_type = 'LINEAR'
            group by i.symbol
         ) ours
    full join (
           select r.symbol, sum(r.quantity) as net
             from jsonb_to_recordset(p_positions) as r (symbol text, quantity numeric)
            group by r.symbol
         ) theirs on theirs.symbol = ours.symbol
   where coalesce(ours.net, 0) <> coalesce(theirs.net, 0)
     -- What moved while the exchange was being asked is compared the next time.
     and not exists (
           select
             from orders o
             join instruments i on i.id = o.instrument_id
            where o.account_id = p_account_id
              and i.symbol = coalesce(ours.symbol, theirs.symbol)
              and (o.finished_at is null and o.not_accepted_at is null or o.updated_at >= p_asked_at)
         );

  -- Where bots hold one instrument both ways the exchange has realised what our books still hold open, so cash is compared
  -- together with what open positions have cost: booked - sum(q x entry) on either side.
  insert into reconciliation
  select 'BALANCE', b.asset, b.booked, reported.cash - theirs.cost + ours.cost
    from account_balances b
   -- Exchanges leave out what is zero; one that was not asked answers nothing at all.
   cross join lateral (select coalesce((p_balances ->> b.asset)::numeric, 0) as cash) reported
   cross join lateral (
           select coalesce(sum(case p.direction when 'LONG' then 1 else -1 end * p.quantity * p.average_entry_price * i.contract_size), 0) as cost,
                  coalesce(sum(p.quantity * p.average_entry_price * i.contract_size), 0) as gross
             from positions p
             join instruments i on i.id = p.instrument_id
            where p.account_id = p_account_id
              and p.status = 'OPEN'
              and i.market_type = 'LINEAR'
              and i.settle_asset = b.asset
         ) ours
   cross join lateral (
           select coalesce(sum(r.quantity * r.entry_price * i.contract_size), 0) as cost
             from jsonb_to_recordset(p_positions) as r (symbol text, quantity numeric, entry_price numeric)
             join accounts a on a.id = p_account_id
             join instruments i on i.exchange_id = a.exchange_id and i.symbol = r.symbol and i.settle_asset = b.asset
         ) theirs
   where b.account_id = p_account_id
     and p_balances <> '{}'
     -- The exchange may round its cash and its average prices, not more.
     and abs(b.booked - (reported.cash - theirs.cost + ours.cost))
         > greatest(abs(b.booked), ours.gross, 1) * 1e-6
     and not exists (
           select
             from orders o
            where o.account_id = p_account_id
              and (o.finished_at is null and o.not_accepted_at is null or o.updated_at >= p_asked_at)
         );

  insert into reconciliation
  select 'FOREIGN_ORDER', r.symbol || ' ' || r.exchange_order_id, null, r.quantity
    from jsonb_to_recordset(p_open_orders) as r (symbol text, exchange_order_id text, client_order_id text, quantity numeric, stop_kind text)
   where not exists (
           select
             from orders o
            where o.account_id = p_account_id
              and (o.exchange_order_id = r.exchange_order_id or o.client_order_id = r.client_order_id)
         )
     -- The stops that went with our entries stand at the exchange under its own ids.
     and not (
           r.stop_kind is not null
           and exists (
                 select
                   from positions p
                   join instruments i on i.id = p.instrument_id
                  where p.account_id = p_account_id
                    and p.status = 'OPEN'
                    and p.protection = 'EXCHANGE'
                    and i.symbol = r.symbol
               )
         );

  -- A position is as safe as its stop: one that the exchange should keep, and does not list, is told apart from differences of the books.
  perform raise_alert(
    p_code => 'STOP_MISSING',
    p_severity => 'CRITICAL',
    p_subject => format('account %s position %s', p_account_id, n.id),
    p_message => format('The exchange lists no stop for position %s in %s, which should have one at %s', n.id, n.symbol, n.stop_loss_price),
    p_details => jsonb_build_object('position_id', n.id, 'stop_loss_price', n.stop_loss_price),
    p_now => p_now
  )
    from unstopped_positions(p_account_id => p_account_id, p_open_orders => p_open_orders, p_asked_at => p_asked_at) n;
  update alerts a
     set resolved_at = p_now
   where a.code = 'STOP_MISSING'
     and a.resolved_at is null
     and a.subject like format('account %s position %%', p_account_id)
     and not exists (
           select
             from unstopped_positions(p_account_id => p_account_id, p_open_orders => p_open_orders, p_asked_at => p_asked_at) n
            where a.subject = format('account %s position %s', p_account_id, n.id)
         );

  update account_balances b
     set exchange_total = coalesce((p_balances ->> b.asset)::numeric, 0),
         exchange_seen_at = p_now
   where b.account_id = p_account_id
     and p_balances <> '{}';

  for v_difference in select * from reconciliation
  loop
    perform raise_alert(
      p_code => 'RECONCILIATION_' || v_difference.difference,
      p_severity => 'CRITICAL',
      p_subject => format('account %s %s', p_account_id, v_difference.subject),
      p_message => format('%s of %s: booked %s, exchange says %s', lower(v_difference.difference), v_difference.subject,
                          coalesce(v_difference.booked::text, 'nothing'), coalesce(v_difference.reported::text, 'nothing')),
      p_details => to_jsonb(v_difference),
      p_now => p_now
    );
  end loop;
  update alerts a
     set resolved_at = p_now
   where a.code like 'RECONCILIATION_%'
     and a.resolved_at is null
     and a.subject like format('account %s %%', p_account_id)
     and not exists (
           select
             from reconciliation r
            where a.code = 'RECONCILIATION_' || r.difference
              and a.subject = format('account %s %s', p_account_id, r.subject)
         );

  update accounts set reconciled_at = p_now, reconciled_as_of = p_asked_at where id = p_account_id;
  return query select r.difference, r.subject, r.booked, r.reported from reconciliation r;
end
$$;
comment on function botbox.reconcile_account is
  'Compares positions, balances and open orders of the exchange with our books, alerts every difference with both values and resolves what is gone; it never overwrites the books.';
