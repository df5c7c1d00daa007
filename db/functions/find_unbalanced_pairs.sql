create function botbox.find_unbalanced_pairs(p_account_id bigint default null)
returns table (
  bot_id bigint,
  account_id bigint,
  position_id bigint,
  instrument_id bigint,
  surplus numeric,
  is_alone boolean,
  is_settled boolean,
  changed_at timestamptz
)
language plpgsql
stable
set search_path = botbox, pg_temp
as $$
#variable_conflict use_column
begin
  -- In plpgsql for its plan, which is kept: every pass of the guard asks, mostly of nothing, and making the plan anew took 5 ms each time.
  return query
  with held as (
    select p.id, p.bot_id, p.account_id, p.instrument_id, i.lot_size, i.minimum_quantity, i.minimum_notional, i.contract_size,
           coalesce(k.last, p.average_entry_price) as price,
           -- What was bought and not sold, also where the exchange kept a fee of it: the other leg was sized before fees.
           (p.entered_quantity - p.exited_quantity) * i.contract_size as base
      from positions p
      join instruments i on i.id = p.instrument_id
      left join tickers k on k.instrument_id = p.instrument_id
     where p.status = 'OPEN'
       and p.bot_id in (select l.bot_id from bot_legs l where p_account_id is null or l.account_id = p_account_id)
  ),
  larger as (
    select distinct on (h.bot_id) h.*,
           count(*) over (partition by h.bot_id) = 1 as is_alone,
           h.base - min(h.base) over (partition by h.bot_id) as surplus_base
      from held h
     order by h.bot_id, h.base desc, h.id
  ),
  measured as (
    select l.*,
           case
             when l.is_alone then l.base / l.contract_size
             else floor(l.surplus_base / l.contract_size / l.lot_size) * l.lot_size
           end as surplus
      from larger l
  )
  select m.bot_id, m.account_id, m.id, m.instrument_id, m.surplus, m.is_alone,
         not exists (
           select
             from trade_queue t
            where t.bot_id = m.bot_id
              and t.status in ('PENDING', 'EXECUTING', 'PARKED')
         ),
         (
           -- The newest two positions of a pair are its legs.
           select max(f.recorded_at)
             from (select p.id from positions p where p.bot_id = m.bot_id order by p.opened_at desc limit 2) newest
             join fills f on f.position_id = newest.id
         )
    from measured m
         -- What cannot be ordered is no imbalance: rounding to lots, and less than the smallest order.
   where m.is_alone
      or (
        m.surplus > 0
        and m.surplus >= m.minimum_quantity
        and m.surplus * m.contract_size * m.price >= m.minimum_notional
      );
end
$$;
comment on function botbox.find_unbalanced_pairs is
  'Two-leg bots whose open legs differ in base units by more than rounding, fees in the base asset and the smallest order explain: the larger leg and its surplus (all of it where the other leg is gone), whether no trade of the bot is under way, and when a leg last changed.';
