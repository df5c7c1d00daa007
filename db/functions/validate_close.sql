create function botbox.validate_close(p_bot botbox.bots, p_position_id bigint, p_trigger_reason text)
returns botbox.verdict
language sql
stable
set search_path = botbox, pg_temp
as $$
  -- A pause, a stopped bot or a REDUCING account never stand against a close; the check's own activity test comes before. A
  -- HALTED account is flattened by a person only.
  select case
    when p_position_id is null then row('NO_POSITION', '{}'::jsonb)::verdict
    when a.status = 'HALTED' and p_trigger_reason <> 'FLATTEN' then row('ACCOUNT_HALTED', jsonb_build_object('account', a.name, 'why', a.status_reason))::verdict
    when t.id is not null then row('TRADE_PENDING', jsonb_build_object('trade_id', t.id))::verdict
  end
    from accounts a
    left join trade_queue t
      on t.bot_id = p_bot.id
     and t.direction = 'CLOSE'
     and t.position_id = p_position_id
     and t.finished_at is null
   where a.id = p_bot.account_id;
$$;
comment on function botbox.validate_close is 'What stands against a close: no position, a HALTED account unless a person flattens it, or a close under way.';
