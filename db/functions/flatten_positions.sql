create function botbox.flatten_positions(
  p_scope botbox.pause_scope,
  p_exchange_id text default null,
  p_account_id bigint default null,
  p_bot_id bigint default null,
  p_reason text default 'flattened by hand',
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns table (
  kind text,
  bot_id bigint,
  account_id bigint,
  symbol text,
  position_id bigint,
  trade_id uuid,
  outcome text,
  reason_code text
)
language plpgsql
set search_path = botbox, pg_temp
as $$
#variable_conflict use_column
declare
  v_account_id bigint;
  v_trade record;
  v_position record;
  v_decision decision;
begin
  -- First of all nothing may open again: the pause has no end, so that resuming is a decision too.
  if not exists (
    select
      from pauses p
     where p.lifted_at is null
       and p.lifts_at is null
       and p.scope = p_scope
       and p.exchange_id is not distinct from p_exchange_id
       and p.account_id is not distinct from p_account_id
       and p.bot_id is not distinct from p_bot_id
  ) then
    perform pause_entries(
      p_scope => p_scope, p_reason => p_reason, p_exchange_id => p_exchange_id, p_account_id => p_account_id, p_bot_id => p_bot_id,
      p_actor => p_actor, p_now => p_now
    );
  end if;
  perform record_audit(
    p_actor => p_actor, p_action => 'flatten', p_subject => concat_ws(' ', lower(p_scope::text), p_exchange_id, p_account_id, p_bot_id),
    p_after => jsonb_build_object('reason', p_reason), p_now => p_now
  );

  -- Accounts in id order, as wherever signals are decided: what was decided before is seen, what comes after finds the pause.
  for v_account_id in
    select a.id
      from accounts a
     where p_scope = 'ALL'
        or a.exchange_id = p_exchange_id
        or a.id = p_account_id
        or a.id in (select b.account_id from bots b where b.id = p_bot_id)
        or a.id in (select l.account_id from bot_legs l where l.bot_id = p_bot_id)
     order by a.id
  loop
    perform from accounts a where a.id = v_account_id for no key update;

    for v_trade in
      select t.id, t.bot_id, t.direction, t.trigger_reason, i.symbol
        from trade_queue t
        join instruments i on i.id = t.instrument_id
       where t.account_id = v_account_id
         and (p_bot_id is null or t.bot_id = p_bot_id)
         and t.finished_at is null
       order by t.id
    loop
      -- A close of our own waits for its turn; any other gives way to one of everything, which is sent for a HALTED account too.
      continue when v_trade.trigger_reason = 'FLATTEN';
      if cancel_unsent_trade(p_trade_id => v_trade.id, p_now => p_now) then
        continue when v_trade.direction = 'CLOSE';
        return query select 'ENTRY', v_trade.bot_id, v_account_id, v_trade.symbol, null::bigint, v_trade.id, 'CANCELLED', 'CANCELLED_BY_PERSON';
      else
        -- What may have been sent is never guessed about: it settles, and resume_flattening closes what came of it.
        update trade_queue t
           set flatten_requested_at = p_now
         where t.id = v_trade.id
           and t.flatten_requested_at is null
           and t.finished_at is null;
        continue when v_trade.direction = 'CLOSE';
        return query select 'ENTRY', v_trade.bot_id, v_account_id, v_trade.symbol, null::bigint, v_trade.id, 'SETTLING', null::text;
      end if;
    end loop;

    for v_position in
      select p.id, p.bot_id, i.symbol,
             (select t.id from trade_queue t where t.position_id = p.id and t.finished_at is null limit 1) as closing_trade_id
        from positions p
        join instruments i on i.id = p.instrument_id
       where p.account_id = v_account_id
         and (p_bot_id is null or p.bot_id = p_bot_id)
         and p.status = 'OPEN'
       order by p.id
    loop
      if v_position.closing_trade_id is not null then
        return query select 'POSITION', v_position.bot_id, v_account_id, v_position.symbol, v_position.id, v_position.closing_trade_id,
                            'CLOSING', null::text;
      else
        v_decision := queue_flatten(p_position_id => v_position.id, p_now => p_now);
        return query select 'POSITION', v_position.bot_id, v_account_id, v_position.symbol, v_position.id, v_decision.trade_id,
                            case
                              when v_decision.trade_id is not null then 'QUEUED'
                              when (select p.status from positions p where p.id = v_position.id) = 'CLOSED' then 'WRITTEN_OFF'
                              else 'REFUSED'
                            end,
                            v_decision.reason_code;
      end if;
    end loop;
  end loop;
end
$$;
comment on function botbox.flatten_positions is
  'Flattens a bot, an account, an exchange or all: pauses entries, cancels trades that were not sent, queues a close of every open position, also of HALTED accounts. Repeating it changes nothing. Answers each entry (CANCELLED, SETTLING) and position (QUEUED, CLOSING, WRITTEN_OFF, REFUSED).';
