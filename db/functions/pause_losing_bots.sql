create function botbox.pause_losing_bots(p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_bot record;
  v_count integer := 0;
begin
  -- Apart from the decision, which refuses by the same count: whoever decides holds an account and may not wait for a bot.
  for v_bot in
    select b.id, b.name, a.max_losing_streak, s.losses, s.lost, a.settle_asset
      from bots b
      join accounts a on a.id = b.account_id
      cross join lateral losing_streak(p_bot_id => b.id, p_since => b.losses_count_from) s
     where b.status = 'ACTIVE'
       and s.losses >= a.max_losing_streak
       -- Its strategy closes what it still holds; only then is there nothing left to check.
       and not exists (select from positions p where p.bot_id = b.id and p.status = 'OPEN')
     order by b.id
  loop
    perform set_bot_status(
      p_bot_id => v_bot.id, p_status => 'PAUSED', p_reason => format('lost %s positions in a row, the limit is %s', v_bot.losses, v_bot.max_losing_streak),
      p_actor => 'system', p_now => p_now
    );
    perform raise_alert(
      p_code => 'BOT_PAUSED', p_severity => 'WARNING', p_subject => 'bot ' || v_bot.id,
      p_message => format(
        'Bot %s is paused after %s losing positions in a row; the last lost %s %s', v_bot.name, v_bot.losses,
        trim_scale(round(-v_bot.lost, 8)), v_bot.settle_asset
      ),
      p_details => jsonb_build_object('bot_id', v_bot.id, 'losses', v_bot.losses, 'max_losing_streak', v_bot.max_losing_streak), p_now => p_now
    );
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;
comment on function botbox.pause_losing_bots is
  'Pauses bots that lost as many positions in a row as their account allows and hold nothing, with an alert; answers how many.';
