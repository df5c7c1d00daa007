create function botbox.set_bot_limit(
  p_bot_id bigint,
  p_max_position_notional numeric default null,
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_bot bots;
begin
  select * into v_bot from bots where id = p_bot_id for no key update;
  if v_bot.id is null then
    return false;
  end if;
  if v_bot.max_position_notional is distinct from p_max_position_notional then
    update bots set max_position_notional = p_max_position_notional, updated_at = p_now where id = p_bot_id;
    perform record_audit(
      p_actor => p_actor, p_action => 'bot.limit', p_subject => 'bot ' || p_bot_id,
      p_before => jsonb_build_object('max_position_notional', v_bot.max_position_notional),
      p_after => jsonb_build_object('max_position_notional', p_max_position_notional), p_now => p_now
    );
  end if;
  return true;
end
$$;
comment on function botbox.set_bot_limit is
  'Sets the largest position of a bot, null for none; false if there is no such bot. Entries are held to it from the next decision on.';
