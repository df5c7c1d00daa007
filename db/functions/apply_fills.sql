create function botbox.apply_fills(p_account_id bigint, p_fills jsonb, p_now timestamptz default now())
returns table (applied integer, repeated integer, foreign_fills integer)
language plpgsql
set search_path = botbox, pg_temp
as $$
#variable_conflict use_column
declare
  v_fill fill_input;
  v_order orders;
  v_told fills;
  v_applied integer := 0;
  v_repeated integer := 0;
  v_foreign integer := 0;
  v_is_lost boolean;
begin
  -- The account's lock orders everything that moves its money; positions and orders are locked after it.
  perform from accounts where id = p_account_id for no key update;

  for v_fill in
    select f.*
      from jsonb_populate_recordset(null::fill_input, p_fills) f
     order by f.filled_at, f.exchange_fill_id
  loop
    if exists (
      select
        from fills k
       where k.account_id = p_account_id
         and k.instrument_id = v_fill.instrument_id
         and k.exchange_order_id = v_fill.exchange_order_id
         and k.exchange_fill_id = v_fill.exchange_fill_id
    ) then
      v_repeated := v_repeated + 1;
      continue;
    end if;

    v_order := order_of_fill(p_account_id => p_account_id, p_fill => v_fill, p_now => p_now);
    if v_order.id is null then
      v_foreign := v_foreign + 1;
      -- An order with the mark of this installation is ours, and its row is gone: nothing is guessed, a person must know.
      v_is_lost := coalesce(starts_with(v_fill.client_order_id, (select format('bb%s-', n.installation_id) from installation n)), false);
      perform raise_alert(
        p_code => case when v_is_lost then 'LOST_FILL' else 'FOREIGN_FILL' end,
        p_severity => case when v_is_lost then 'CRITICAL' else 'WARNING' end::severity,
        p_subject => format('account %s order %s', p_account_id, v_fill.exchange_order_id),
        p_message => format('The exchange reports a fill of %s at %s for order %s, which %s', v_fill.quantity, v_fill.price, v_fill.exchange_order_id,
                            case when v_is_lost then format('carries our id %s and is not in our books', v_fill.client_order_id) else 'is not ours' end),
        p_details => to_jsonb(v_fill),
        p_now => p_now
      );
      continue;
    end if;

    -- What a person has booked in the exchange's stead is not booked again; what a person denied is booked after all.
    select k.* into v_told from fills k where k.order_id = v_order.id and k.exchange_fill_id = 'person-' || v_order.id;
    if (v_told.id is not null and (v_told.quantity, v_told.price, v_told.fee) is distinct from (v_fill.quantity, v_fill.price, v_fill.fee))
      or v_order.reject_code = 'RESOLVED_BY_PERSON' then
      perform raise_alert(
        p_code => 'RESOLUTION_CONTRADICTED',
        p_severity => 'WARNING',
        p_subject => 'order ' || v_order.id,
        p_message => format('A person resolved order %s as %s; the exchange reports a fill of %s at %s', v_order.id,
                            coalesce(format('filled, %s at %s', v_told.quantity, v_told.price), 'not filled'), v_fill.quantity, v_fill.price),
        p_details => jsonb_build_object('told', to_jsonb(v_told), 'reported', to_jsonb(v_fill)),
        p_now => p_now
      );
    end if;
    if v_told.id is not null then
      v_repeated := v_repeated + 1;
      continue;
    end if;

    perform book_fill(p_order => v_order, p_fill => v_fill, p_now => p_now);
    -- Its order was written down anew since: what was lost is booked.
    perform resolve_alert(p_code => 'LOST_FILL', p_subject => format('account %s order %s', p_account_id, v_fill.exchange_order_id), p_now => p_now);
    v_applied := v_applied + 1;
  end loop;

  return query select v_applied, v_repeated, v_foreign;
end
$$;
comment on function botbox.apply_fills is
  'Books the fills of one account, each once by the exchange''s ids, in any order of arrival: order, position, reserved capital and ledger move in one transaction. Fills of orders that are not ours are counted and alerted, never booked.';
