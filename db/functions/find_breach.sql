create function botbox.find_breach(p_account botbox.accounts, p_now timestamptz default now())
returns botbox.verdict
language plpgsql
stable
set search_path = botbox, pg_temp
as $$
declare
  v_equity numeric;
  v_since timestamptz;
  v_base numeric;
  v_peak numeric;
begin
  if p_account.daily_loss_limit is null and p_account.max_drawdown is null then
    return null;
  end if;
  v_equity := find_equity(p_account_id => p_account.id);

  if p_account.daily_loss_limit is not null then
    v_since := greatest(date_trunc('day', p_now, 'UTC'), p_account.losses_count_from);
    -- What it was worth when the day began; nobody looked then: what is known from before, or else the first that is known.
    v_base := coalesce(
      (select e.equity from account_equity e where e.account_id = p_account.id and e.at <= v_since order by e.at desc limit 1),
      (select e.equity from account_equity e where e.account_id = p_account.id and e.at > v_since order by e.at limit 1),
      p_account.capital
    );
    if v_base - v_equity >= p_account.daily_loss_limit then
      return row(
        'DAILY_LOSS_LIMIT',
        jsonb_build_object(
          'loss', trim_scale(round(v_base - v_equity, 8)), 'daily_loss_limit', p_account.daily_loss_limit,
          'equity', trim_scale(round(v_equity, 8)), 'equity_before', trim_scale(round(v_base, 8)), 'since', v_since
        )
      )::verdict;
    end if;
  end if;

  select greatest(e.peak, v_equity) into v_peak from account_equity e where e.account_id = p_account.id order by e.at desc limit 1;
  if v_peak > 0 and v_peak - v_equity >= p_account.max_drawdown * v_peak then
    return row(
      'MAX_DRAWDOWN',
      jsonb_build_object(
        'drawdown', trim_scale(round((v_peak - v_equity) / v_peak, 6)), 'max_drawdown', p_account.max_drawdown,
        'equity', trim_scale(round(v_equity, 8)), 'peak', trim_scale(round(v_peak, 8))
      )
    )::verdict;
  end if;
  return null;
end
$$;
comment on function botbox.find_breach is
  'Whether an account has lost as much in this UTC day, or fallen as far below its peak, as it may; both count from when a person last resumed it. Null reason_code: neither.';
