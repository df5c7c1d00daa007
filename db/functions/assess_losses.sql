create function botbox.assess_losses(p_bot botbox.bots, p_account botbox.accounts, p_now timestamptz default now())
returns botbox.verdict
language plpgsql
stable
set search_path = botbox, pg_temp
as $$
declare
  v_breach verdict := find_breach(p_account => p_account, p_now => p_now);
  v_losing record;
  v_over_at timestamptz;
begin
  if v_breach.reason_code is not null then
    return v_breach;
  end if;
  if p_account.loss_cooldown_minutes is null and p_account.max_losing_streak is null then
    return null;
  end if;

  select * into v_losing from losing_streak(p_bot_id => p_bot.id, p_since => p_bot.losses_count_from);
  if v_losing.losses >= p_account.max_losing_streak then
    return row('LOSING_STREAK', jsonb_build_object('losses', v_losing.losses, 'max_losing_streak', p_account.max_losing_streak))::verdict;
  end if;
  v_over_at := v_losing.lost_at + make_interval(mins => p_account.loss_cooldown_minutes);
  if v_over_at > p_now then
    return row(
      'LOSS_COOLDOWN',
      jsonb_build_object(
        'lost', trim_scale(round(-v_losing.lost, 8)), 'lost_at', v_losing.lost_at, 'until', v_over_at,
        'loss_cooldown_minutes', p_account.loss_cooldown_minutes
      )
    )::verdict;
  end if;
  return null;
end
$$;
comment on function botbox.assess_losses is
  'What losses stand against an entry: the account''s daily loss and drawdown, the bot''s losing streak and the cooldown after a loss. Null reason_code: nothing.';
