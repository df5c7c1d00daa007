create function botbox.pause_failing_bot(p_bot_id bigint, p_error text, p_now timestamptz default now())
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_bot bots;
  v_holds boolean;
begin
  select * into v_bot from bots where id = p_bot_id for no key update;
  if v_bot.id is null or v_bot.status <> 'ACTIVE' or v_bot.consecutive_failures < 5 then
    return false;
  end if;
  perform set_bot_status(
    p_bot_id => p_bot_id, p_status => 'PAUSED',
    p_reason => format('%s checks in a row failed, the last with: %s', v_bot.consecutive_failures, left(p_error, 500)),
    p_actor => 'system', p_now => p_now
  );
  -- A position that no check looks at any more has its stops, but no exit of its strategy: somebody has to decide.
  v_holds := exists (select from positions p where p.bot_id = p_bot_id and p.status = 'OPEN');
  perform raise_alert(
    p_code => 'BOT_PAUSED', p_severity => case when v_holds then 'CRITICAL' else 'WARNING' end::severity, p_subject => 'bot ' || p_bot_id,
    p_message => format(
      'Bot %s is paused after %s failed checks in a row%s. The last error: %s', v_bot.name, v_bot.consecutive_failures,
      case when v_holds then '; its open position is left to its stops' else '' end, left(p_error, 500)
    ),
    p_details => jsonb_build_object('bot_id', p_bot_id, 'failures', v_bot.consecutive_failures, 'error', left(p_error, 2000)), p_now => p_now
  );
  return true;
end
$$;
comment on function botbox.pause_failing_bot is
  'Pauses a bot whose last five checks failed or timed out, with an alert: CRITICAL while it holds a position. Answers whether it did.';
