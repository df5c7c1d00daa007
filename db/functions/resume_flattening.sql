create function botbox.resume_flattening(p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_account_id bigint;
  v_trade record;
  v_decision decision;
  v_count integer := 0;
begin
  for v_account_id in
    select distinct t.account_id
      from trade_queue t
     where t.flatten_requested_at is not null
     order by 1
  loop
    perform from accounts where id = v_account_id for no key update;

    -- The exchange has said that it does not stand after all: it is not sent again.
    for v_trade in
      select t.id
        from trade_queue t
       where t.account_id = v_account_id
         and t.flatten_requested_at is not null
         and t.finished_at is null
       order by t.id
    loop
      v_count := v_count + cancel_unsent_trade(p_trade_id => v_trade.id, p_now => p_now)::integer;
    end loop;

    for v_trade in
      select t.id, p.id as position_id,
             exists (select from trade_queue c where c.position_id = p.id and c.finished_at is null) as is_closing
        from trade_queue t
        left join positions p on p.bot_id = t.bot_id and p.instrument_id = t.instrument_id and p.status = 'OPEN'
       where t.account_id = v_account_id
         and t.flatten_requested_at is not null
         and t.finished_at is not null
       order by t.id
    loop
      -- What a close under way leaves is closed after it.
      continue when v_trade.is_closing;
      if v_trade.position_id is not null then
        v_decision := queue_flatten(p_position_id => v_trade.position_id, p_now => p_now);
        v_count := v_count + (v_decision.outcome = 'QUEUED')::integer;
      end if;
      update trade_queue set flatten_requested_at = null where id = v_trade.id;
    end loop;
  end loop;
  return v_count;
end
$$;
comment on function botbox.resume_flattening is
  'Goes on where flatten_positions had to wait for a trade that may have been sent: once it has settled, what it opened or left open is closed. Answers how many trades it cancelled or queued.';
