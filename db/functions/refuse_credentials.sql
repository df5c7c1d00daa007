create function botbox.refuse_credentials(
  p_account_id bigint,
  p_code text,
  p_message text,
  p_credentials bytea default null,
  p_now timestamptz default now()
)
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_account accounts;
  v_unguarded integer;
begin
  select * into v_account from accounts where id = p_account_id for no key update;
  -- A process may still hold the key that a person has replaced meanwhile: that one's end is no news.
  if v_account.id is null or v_account.credentials is distinct from p_credentials then
    return false;
  end if;
  if v_account.status <> 'HALTED' then
    perform set_account_status(p_account_id => p_account_id, p_status => 'HALTED', p_reason => p_message, p_actor => 'system', p_now => p_now);
  end if;
  -- What the exchange keeps goes on there; what is watched here cannot be closed without a key.
  select count(*)
    into v_unguarded
    from positions p
   where p.account_id = p_account_id
     and p.status = 'OPEN'
     and (p.trailing_stop_fraction is not null or p.protection = 'GUARD' and (p.stop_loss_price is not null or p.take_profit_price is not null));
  perform raise_alert(
    p_code => p_code, p_severity => 'CRITICAL', p_subject => 'account ' || p_account_id,
    p_message => format('Account %s is HALTED, nothing is sent for it: %s. Give it a key with botbox accounts credentials, then resume it', v_account.name, p_message)
                 || case when v_unguarded > 0 then format('. Until then the stops of %s of its positions that botbox watches are not acted on', v_unguarded) else '' end,
    p_details => jsonb_build_object('account_id', p_account_id, 'unguarded_positions', v_unguarded), p_now => p_now
  );
  return true;
end
$$;
comment on function botbox.refuse_credentials is
  'HALTs an account whose credentials its exchange refuses or nobody can decrypt, under a CRITICAL alert that counts the positions whose stops we watch and can no longer act on; positions stay. False: these are no longer its credentials.';
