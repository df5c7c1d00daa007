create function botbox.find_protection_gaps(
  p_account_id bigint,
  p_positions jsonb,
  p_asked_at timestamptz,
  p_now timestamptz default now()
)
returns table (
  position_id bigint,
  symbol text,
  must_hand_over boolean,
  stop_loss_price text,
  take_profit_price text,
  found_stop_loss_price text,
  found_take_profit_price text
)
language plpgsql
set search_path = botbox, pg_temp
as $$
#variable_conflict use_column
declare
  v_gap record;
begin
  create temporary table if not exists protection_gaps (
    position_id bigint, symbol text, must_hand_over boolean, wanted_stop numeric, wanted_target numeric, found_stop numeric, found_target numeric
  ) on commit drop;
  truncate protection_gaps;

  insert into protection_gaps
  select p.id, i.symbol, shared.is_true, p.stop_loss_price, p.take_profit_price, r.stop_loss_price, r.take_profit_price
    from positions p
    join instruments i on i.id = p.instrument_id
    join jsonb_to_recordset(p_positions) as r (symbol text, quantity numeric, stop_loss_price numeric, take_profit_price numeric)
      on r.symbol = i.symbol
     -- Where the exchange holds nothing in our direction there is nothing that a stop could close; reconciliation says so.
     and sign(r.quantity) = case p.direction when 'LONG' then 1 else -1 end
   cross join lateral (
           select exists (
                    select
                      from positions other
                     where other.account_id = p.account_id
                       and other.instrument_id = p.instrument_id
                       and other.status = 'OPEN'
                       and other.bot_id <> p.bot_id
                  ) as is_true
         ) shared
   where p.account_id = p_account_id
     and p.status = 'OPEN'
     and p.protection = 'EXCHANGE'
     and (shared.is_true or (p.stop_loss_price, p.take_profit_price) is distinct from (r.stop_loss_price, r.take_profit_price))
     -- What moved while the exchange was being asked is looked at the next time: its stops travel with its orders.
     and not exists (
           select
             from orders o
            where o.account_id = p.account_id
              and o.instrument_id = p.instrument_id
              and (o.finished_at is null and o.not_accepted_at is null or o.updated_at >= p_asked_at)
         );

  for v_gap in select * from protection_gaps where not must_hand_over
  loop
    perform raise_alert(
      p_code => 'STOP_MISSING',
      p_severity => case when v_gap.wanted_stop is distinct from v_gap.found_stop then 'CRITICAL' else 'WARNING' end::severity,
      p_subject => 'position ' || v_gap.position_id,
      p_message => format('Position %s in %s: stop-loss booked %s, exchange says %s; take-profit booked %s, exchange says %s', v_gap.position_id, v_gap.symbol,
                          coalesce(trim_scale(v_gap.wanted_stop)::text, 'none'), coalesce(trim_scale(v_gap.found_stop)::text, 'none'),
                          coalesce(trim_scale(v_gap.wanted_target)::text, 'none'), coalesce(trim_scale(v_gap.found_target)::text, 'none')),
      p_details => to_jsonb(v_gap),
      p_now => p_now
    );
  end loop;
  -- What the exchange now has as we want it, or what the guard watches, or what is closed, is protected again.
  update alerts a
     set resolved_at = p_now
    from positions p
   where a.code = 'STOP_MISSING'
     and a.resolved_at is null
     -- By the number in the subject: the other way round every position that the account ever had would be looked at.
     and p.id = substring(a.subject from '^position (\d+)$')::bigint
     and p.account_id = p_account_id
     and not exists (select from protection_gaps g where g.position_id = p.id)
     and (p.status = 'CLOSED' or p.protection <> 'EXCHANGE' or not exists (
           select
             from orders o
            where o.account_id = p.account_id
              and o.instrument_id = p.instrument_id
              and (o.finished_at is null and o.not_accepted_at is null or o.updated_at >= p_asked_at)
         ));

  return query
  select g.position_id, g.symbol, g.must_hand_over, g.wanted_stop::text, g.wanted_target::text, g.found_stop::text, g.found_target::text
    from protection_gaps g
   order by g.position_id;
end
$$;
comment on function botbox.find_protection_gaps is
  'Positions whose stops should stand at the exchange and do not stand there as booked, each under an alert, and those that have to be handed over to the guard because another bot holds the instrument too; resolves the alerts of what is in order.';
