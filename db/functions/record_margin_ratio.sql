create function botbox.record_margin_ratio(p_account_id bigint, p_ratio numeric default null, p_now timestamptz default now())
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_account accounts;
  v_subject constant text := 'account ' || p_account_id;
begin
  update accounts
     set margin_ratio = p_ratio, margin_ratio_seen_at = case when p_ratio is not null then p_now end
   where id = p_account_id
  returning * into strict v_account;
  if coalesce(p_ratio < v_account.max_margin_ratio, true) then
    perform resolve_alert(p_code => 'MARGIN_RATIO_HIGH', p_subject => v_subject, p_now => p_now);
    return false;
  end if;
  perform raise_alert(
    p_code => 'MARGIN_RATIO_HIGH', p_severity => 'CRITICAL', p_subject => v_subject,
    p_message => format('Account %s: maintenance takes %s%% of the margin, the limit is %s%%; the exchange liquidates at 100%%', v_account.name,
                        trim_scale(round(p_ratio * 100, 2)), trim_scale(v_account.max_margin_ratio * 100)),
    p_details => jsonb_build_object('account_id', p_account_id, 'margin_ratio', p_ratio, 'max_margin_ratio', v_account.max_margin_ratio), p_now => p_now
  );
  return reduce_account(
    p_account_id => p_account_id,
    p_breach => row('MARGIN_RATIO', jsonb_build_object('margin_ratio', p_ratio, 'max_margin_ratio', v_account.max_margin_ratio))::verdict,
    p_now => p_now
  );
end
$$;
comment on function botbox.record_margin_ratio is
  'Notes the share of an account''s margin that maintenance takes, null where the exchange says none; from its limit on it alerts and moves the account to REDUCING. Answers whether it moved it.';
