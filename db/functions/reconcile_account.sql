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
  v_exchange_id text;
  -- How every client order id of this installation begins: an order with it is ours, whatever our books say.
  v_mark text;
  v_moving text[];
begin
  create temporary table if not exists reconciliation (difference text, subject text, booked numeric, reported numeric) on commit drop;
  truncate reconciliation;
  select exchange_id into strict v_exchange_id from accounts where id = p_account_id;
  select format('bb%s-', installation_id) into strict v_mark from installation;

  -- What moved while the exchange was being asked is compared the next time.
  v_moving := array(
    select distinct i.symbol
      from orders o
      join instruments i on i.id = o.instrument_id
     where o.account_id = p_account_id
       and (o.finished_at is null and o.not_accepted_at is null or o.updated_at >= p_asked_at)
  );

  -- Net per instrument: in one-way mode the exchange knows only the sum of what our bots hold. Where none of them holds anything
  -- it is somebody else's.
  insert into reconciliation
  select case when ours.symbol is null then 'FOREIGN_POSITION' else 'POSITION' end,
         coalesce(ours.symbol, theirs.symbol), coalesce(ours.net, 0), coalesce(theirs.net, 0)
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
     and coalesce(ours.symbol, theirs.symbol) <> all (v_moving);

  -- Where bots hold one instrument both ways the exchange has realised what our books still hold open, so cash is compared
  -- together with what open positions have cost: booked - sum(q x entry) on either side. Where the nets differ there is nothing
  -- to compare costs by.
  insert into reconciliation
  select 'BALANCE', coalesce(b.asset, theirs.asset), coalesce(b.booked, 0), reported.cash
    from (select asset, booked from account_balances where account_id = p_account_id) b
    full join (select t.key as asset, t.value::numeric as cash from jsonb_each_text(p_balances) t) theirs on theirs.asset = b.asset
   cross join lateral (
           select coalesce(sum(case p.direction when 'LONG' then 1 else -1 end * p.quantity * p.average_entry_price * i.contract_size), 0) as cost,
                  coalesce(sum(p.quantity * p.average_entry_price * i.contract_size), 0) as gross
             from positions p
             join instruments i on i.id = p.instrument_id
            where p.account_id = p_account_id
              and p.status = 'OPEN'
              and i.market_type = 'LINEAR'
              and i.settle_asset = b.asset
              and not exists (select from reconciliation c where c.subject = i.symbol)
         ) ours
   cross join lateral (
           select coalesce(sum(r.quantity * r.entry_price * i.contract_size), 0) as cost
             from jsonb_to_recordset(p_positions) as r (symbol text, quantity numeric, entry_price numeric)
             join instruments i on i.exchange_id = v_exchange_id and i.symbol = r.symbol and i.settle_asset = b.asset
            where not exists (select from reconciliation c where c.subject = i.symbol)
         ) net
   -- Exchanges leave out what is zero; one that was not asked answers nothing at all.
   cross join lateral (select coalesce(theirs.cash, 0) - net.cost + ours.cost as cash) reported
   where p_balances <> '{}'
     -- The exchange may round its cash and its average prices, not more.
     and abs(coalesce(b.booked, 0) - reported.cash) > greatest(abs(coalesce(b.booked, 0)), ours.gross, 1) * 1e-6
     and v_moving = '{}';

  insert into reconciliation
  select case when starts_with(r.client_order_id, v_mark) then 'LOST_ORDER' else 'FOREIGN_ORDER' end,
         r.symbol || ' ' || r.exchange_order_id, null, r.quantity
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

  -- Our own rows against each other: whoever deleted one left what came of it.
  insert into reconciliation
  select 'MISSING_ORDER', format('trade %s', t.id), 0, t.quantity
    from trade_queue t
   where t.account_id = p_account_id
     and t.queued_at > p_now - interval '1 day'
     and t.status = 'EXECUTED'
     and not exists (select from orders o where o.trade_id = t.id)
   union all
  select 'POSITION_FILLS', format('position %s', p.id), f.quantity, p.entered_quantity
    from positions p
   cross join lateral (
           select coalesce(sum(k.quantity) filter (where (k.side = 'BUY') = (p.direction = 'LONG')), 0) as quantity
             from fills k
            where k.position_id = p.id
         ) f
   where p.account_id = p_account_id
     and p.status = 'OPEN'
     and f.quantity <> p.entered_quantity;

  perform keep_foreign(p_account_id => p_account_id, p_positions => p_positions, p_open_orders => p_open_orders, p_moving => v_moving, p_now => p_now);

  update account_balances b
     set exchange_total = coalesce((p_balances ->> b.asset)::numeric, 0),
         exchange_seen_at = p_now
   where b.account_id = p_account_id
     and p_balances <> '{}';

  for v_difference in select * from reconciliation
  loop
    perform raise_alert(
      p_code => 'RECONCILIATION_' || v_difference.difference,
      -- A person may trade by hand: that is to be known, not to be repaired.
      p_severity => case when v_difference.difference like 'FOREIGN_%' then 'WARNING' else 'CRITICAL' end::severity,
      p_subject => format('account %s %s', p_account_id, v_difference.subject),
      p_message => format('%s of %s: booked %s, exchange says %s', lower(replace(v_difference.difference, '_', ' ')), v_difference.subject,
                          coalesce(trim_scale(v_difference.booked)::text, 'nothing'), coalesce(trim_scale(v_difference.reported)::text, 'nothing')),
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
  -- A foreign fill is news for an hour; what it left is compared above for as long as it stands.
  update alerts a
     set resolved_at = p_now
   where a.code = 'FOREIGN_FILL'
     and a.resolved_at is null
     and a.subject like format('account %s %%', p_account_id)
     and a.last_seen_at < p_now - interval '1 hour';

  update accounts set reconciled_at = p_now, reconciled_as_of = p_asked_at where id = p_account_id;
  return query select r.difference, r.subject, r.booked, r.reported from reconciliation r;
end
$$;
comment on function botbox.reconcile_account is
  'Compares positions, balances and open orders of the exchange with our books, and those with each other; alerts every difference with both values, resolves what is gone and keeps what is foreign in tables of its own. It never overwrites the books.';
