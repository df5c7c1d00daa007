create function botbox.approve_trade(
  p_trade_id uuid,
  p_actor text,
  p_reason text default null,
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
  -- The legs of a pair are one decision: one of them alone would be the risk that a pair avoids.
  for v_trade in
    select t.*, p.decision, p.decided_by
      from trade_queue t
      join trade_approvals p on p.trade_id = t.id
     where t.id = p_trade_id
        or t.group_id = v_group_id
     order by t.id
       for update of t, p
  loop
    if v_trade.decision is not null then
      raise exception 'trade % was % by % before', v_trade.id, lower(v_trade.decision::text), v_trade.decided_by
        using errcode = 'object_not_in_prerequisite_state';
    elsif v_trade.status <> 'PENDING' then
      raise exception 'trade % is %: there is nothing to approve any more', v_trade.id, v_trade.status
        using errcode = 'object_not_in_prerequisite_state';
    elsif v_trade.expires_at <= p_now then
      raise exception 'trade % could be approved until %', v_trade.id, to_char(v_trade.expires_at at time zone 'UTC', 'HH24:MI:SS "UTC"')
        using errcode = 'object_not_in_prerequisite_state';
    end if;
    update trade_approvals
       set decision = 'APPROVED', decided_at = p_now, decided_by = p_actor, reason = p_reason
     where trade_id = v_trade.id;
    perform record_audit(
      p_actor => p_actor, p_action => 'trade.approve', p_subject => 'trade ' || v_trade.id,
      p_before => jsonb_build_object('decision', null),
      p_after => jsonb_build_object(
        'decision', 'APPROVED', 'bot_id', v_trade.bot_id, 'direction', v_trade.direction, 'quantity', v_trade.quantity, 'price', v_trade.price,
        'reason', p_reason
      ),
      p_now => p_now
    );
    perform resolve_alert(p_code => 'APPROVAL_NEEDED', p_subject => 'trade ' || v_trade.id, p_now => p_now);
    -- Its status stays PENDING, so that no trigger tells the event streams.
    insert into events (topic, keys) values ('trades', array[v_trade.id::text]);
    perform pg_notify('botbox_trades', v_trade.id::text);
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;
comment on function botbox.approve_trade is
  'A person lets a waiting entry of a CONFIRM bot be sent, with the other leg of its pair; answers how many trades that were. Capital is reserved since it was queued; account, pauses, breaker and price deviation are looked at again when it is claimed and sent. Null: no trade that is asked about; 55000: decided before, ended or too late.';
