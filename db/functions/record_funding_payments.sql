create function botbox.record_funding_payments(
  p_account_id bigint,
  p_payments jsonb,
  p_synced_to timestamptz default null,
  p_now timestamptz default now()
)
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_payment record;
  v_position_id bigint;
  v_entry_id bigint;
  v_count integer := 0;
begin
  perform from accounts where id = p_account_id for no key update;
  for v_payment in
    select f.*, i.id as instrument_id
      from jsonb_to_recordset(p_payments) as f (symbol text, asset text, amount numeric, reference text, paid_at timestamptz)
      join accounts a on a.id = p_account_id
      left join instruments i on i.exchange_id = a.exchange_id and i.symbol = f.symbol
     order by f.paid_at, f.reference
  loop
    -- The entry names the position where there was one alone.
    select case when count(*) = 1 then min(p.id) end
      into v_position_id
      from positions p
     where p.account_id = p_account_id
       and p.instrument_id = v_payment.instrument_id
       and p.opened_at <= v_payment.paid_at
       and (p.closed_at is null or p.closed_at > v_payment.paid_at);
    insert into ledger_entries (account_id, asset, kind, amount, position_id, reference, occurred_at, recorded_at)
    values (p_account_id, v_payment.asset, 'FUNDING', v_payment.amount, v_position_id, v_payment.reference, v_payment.paid_at, p_now)
    on conflict (account_id, kind, reference) do nothing
    returning id into v_entry_id;
    continue when v_entry_id is null;
    insert into account_balances as b (account_id, asset, booked)
    values (p_account_id, v_payment.asset, v_payment.amount)
    on conflict (account_id, asset) do update
       set booked = b.booked + excluded.booked;
    -- The exchange pays on the net position; each bot's share of it is what its fills had made of its own by then.
    with held as (
      select p.id,
             (select coalesce(sum(case k.side when 'BUY' then k.quantity else -k.quantity end), 0)
                from fills k
               where k.position_id = p.id
                 and k.filled_at <= v_payment.paid_at) as net
        from positions p
       where p.account_id = p_account_id
         and p.instrument_id = v_payment.instrument_id
         and p.opened_at <= v_payment.paid_at
         and (p.closed_at is null or p.closed_at > v_payment.paid_at)
    )
    update positions p
       set funding = p.funding + v_payment.amount * h.net / total.net,
           updated_at = p_now
      from held h
     cross join (select sum(net) as net from held) total
     where p.id = h.id
       and total.net <> 0;
    v_count := v_count + 1;
  end loop;
  -- With the payments, or one of them could be passed over by whoever asks next.
  update accounts
     set funding_synced_to = greatest(funding_synced_to, p_synced_to)
   where id = p_account_id
     and p_synced_to is not null;
  return v_count;
end
$$;
comment on function botbox.record_funding_payments is
  'Books funding paid or received, each once by the exchange''s reference: ledger, balance and the positions that were open then, by what each held. p_synced_to: the exchange''s time up to which these are all.';
