create function botbox.decide_pair(p_signal botbox.signal_input, p_legs jsonb, p_now timestamptz default now())
returns botbox.decision
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_bot bots;
  v_signals signal_input[];
  v_signal signal_input;
  v_decision decision;
  v_first decision;
  v_base numeric;
  v_refused_id bigint;
  v_refusal verdict;
begin
  -- The caller holds the account's row lock, as for decide_signal.
  select * into strict v_bot from bots where id = p_signal.bot_id;
  v_signals := pair_signals(p_signal => p_signal, p_legs => p_legs);

  if p_signal.direction = 'CLOSE' then
    foreach v_signal in array v_signals
    loop
      continue when not exists (
        select
          from positions p
         where p.bot_id = v_bot.id
           and p.instrument_id = v_signal.instrument_id
           and p.status = 'OPEN'
      );
      v_decision := decide_signal(p_signal => v_signal, p_now => p_now);
      if v_first.outcome is null then
        v_first := v_decision;
      end if;
    end loop;
    -- Nothing is open: the first leg's signal says so.
    return case when v_first.outcome is null then decide_signal(p_signal => v_signals[1], p_now => p_now) else v_first end;
  end if;

  v_base := pair_quantity(p_bot => v_bot, p_legs => v_signals, p_lots => coalesce(p_signal.lots, 1));
  for i in 1 .. cardinality(v_signals)
  loop
    v_signal := v_signals[i];
    select round(v_base / n.contract_size / n.lot_size) * n.lot_size
      into strict v_signal.quantity
      from instruments n
     where n.id = v_signal.instrument_id;
    v_signals[i] := v_signal;
  end loop;

  -- Each leg is decided as any signal, the second seeing what the first has reserved; what was queued for a pair that does
  -- not come about is taken back with the subtransaction.
  begin
    foreach v_signal in array v_signals
    loop
      v_decision := decide_signal(p_signal => v_signal, p_now => p_now);
      if v_first.outcome is null then
        v_first := v_decision;
      end if;
      if v_decision.outcome <> 'QUEUED' then
        select s.reason_code, s.details into v_refusal from signals s where s.id = v_decision.signal_id;
        v_refused_id := v_signal.instrument_id;
        raise exception 'leg refused' using errcode = 'BB001';
      end if;
    end loop;
    return v_first;
  exception
    when sqlstate 'BB001' then
      v_first := null;
  end;

  -- A pair is new only if it is new in every leg.
  if v_decision.outcome = 'REPEATED' then
    return decide_signal(p_signal => v_signal, p_now => p_now);
  end if;
  foreach v_signal in array v_signals
  loop
    v_decision := decide_signal(
      p_signal => v_signal,
      p_refusal => case
        when v_signal.instrument_id = v_refused_id then v_refusal
        else row(
          'OTHER_LEG_REFUSED',
          jsonb_build_object('instrument_id', v_refused_id, 'reason_code', v_refusal.reason_code)
        )::verdict
      end,
      p_now => p_now
    );
    if v_first.outcome is null then
      v_first := v_decision;
    end if;
  end loop;
  return v_first;
end
$$;
comment on function botbox.decide_pair is
  'The decision about a pair: one signal per leg with a common group, equal in base units; either both entries are queued or neither, a CLOSE closes every open leg. Answers the first leg''s decision. The caller must hold the lock of the bot''s account row.';
