create function botbox.reject_trade(
  p_trade_id uuid,
  p_actor text,
  p_reason text,
  p_now timestamptz default now()
)
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_group_id uuid;
  v_trade record;
  v_count integer := 0;
begin
  select t.group_id into v_group_id from trade_queue t join trade_approvals p on p.trade_id = t.id where t.id = p_trade_id;
  if not found then
    return null;
  end if;
  for v_trade in
    select t.id, t.bot_id, t.direction, t.quantity, t.price, p.decision
      from trade_queue t
      join trade_approvals p on p.trade_id = t.id
     where t.id = p_trade_id
        or t.group_id = v_group_id
     order by t.id
  loop
    -- Also after an approval, as long as nothing may stand at the exchange.
    if not cancel_unsent_trade(p_trade_id => v_trade.id, p_reason_code => 'REJECTED_BY_PERSON', p_now => p_now) then
      -- The other leg of a pair may have gone its way; balance_pairs undoes what it did alone.
      continue when v_trade.id <> p_trade_id;
      raise exception 'trade % has ended or may have been sent: there is nothing to reject any more', v_trade.id
        using errcode = 'object_not_in_prerequisite_state';
    end if;
    update trade_approvals
       set decision = 'REJECTED', decided_at = p_now, decided_by = p_actor, reason = p_reason
     where trade_id = v_trade.id;
    perform record_audit(
      p_actor => p_actor, p_action => 'trade.reject', p_subject => 'trade ' || v_trade.id,
      p_before => jsonb_build_object('decision', v_trade.decision),
      p_after => jsonb_build_object(
        'decision', 'REJECTED', 'bot_id', v_trade.bot_id, 'direction', v_trade.direction, 'quantity', v_trade.quantity, 'price', v_trade.price,
        'reason', p_reason
      ),
      p_now => p_now
    );
    perform resolve_alert(p_code => 'APPROVAL_NEEDED', p_subject => 'trade ' || v_trade.id, p_now => p_now);
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;
comment on function botbox.reject_trade is
  'A person refuses an entry of a CONFIRM bot, with the other leg of its pair: CANCELLED as REJECTED_BY_PERSON, its capital is free again; answers how many trades that were. Null: no trade that is asked about; 55000: it has ended or may have been sent.';
