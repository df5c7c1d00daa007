create function botbox.reduce_account(p_account_id bigint, p_breach botbox.verdict, p_now timestamptz default now())
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_account accounts;
  v_why text;
begin
  select * into strict v_account from accounts where id = p_account_id for no key update;
  if v_account.status <> 'ACTIVE' then
    return false;
  end if;
  v_why := case p_breach.reason_code
    when 'DAILY_LOSS_LIMIT' then format(
      'lost %s %s since %s, the limit is %s', p_breach.details ->> 'loss', v_account.settle_asset,
      to_char((p_breach.details ->> 'since')::timestamptz at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'), p_breach.details ->> 'daily_loss_limit'
    )
    when 'MARGIN_RATIO' then format(
      'maintenance takes %s%% of its margin, the limit is %s%%', trim_scale(round((p_breach.details ->> 'margin_ratio')::numeric * 100, 2)),
      trim_scale((p_breach.details ->> 'max_margin_ratio')::numeric * 100)
    )
    else format(
      'its equity of %s %s lies %s%% below its peak of %s, the limit is %s%%', p_breach.details ->> 'equity', v_account.settle_asset,
      trim_scale((p_breach.details ->> 'drawdown')::numeric * 100), p_breach.details ->> 'peak',
      trim_scale((p_breach.details ->> 'max_drawdown')::numeric * 100)
    )
  end;
  perform set_account_status(p_account_id => p_account_id, p_status => 'REDUCING', p_reason => v_why, p_actor => 'system', p_now => p_now);
  perform raise_alert(
    p_code => 'ACCOUNT_REDUCING', p_severity => 'CRITICAL', p_subject => 'account ' || p_account_id,
    p_message => format('Account %s is REDUCING, closes only, until a person resumes it: %s', v_account.name, v_why),
    p_details => p_breach.details || jsonb_build_object('account_id', p_account_id, 'rule', p_breach.reason_code), p_now => p_now
  );
  return true;
end
$$;
comment on function botbox.reduce_account is
  'Moves an ACTIVE account to REDUCING because it broke a limit on losses or margin, with a CRITICAL alert; only a person moves it back. Answers whether it did.';
