create function botbox.set_margin_mode(
  p_account_id bigint,
  p_margin_mode text default null,
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_account accounts;
  v_held integer;
begin
  select * into v_account from accounts where id = p_account_id for no key update;
  if v_account.id is null then
    return null;
  end if;
  if v_account.margin_mode is not distinct from p_margin_mode then
    return false;
  end if;

  -- Exchanges refuse the change while something is held, and an entry under way may be about to hold something.
  select (
           select count(*)
             from positions p
             join instruments i on i.id = p.instrument_id and i.market_type = 'LINEAR'
            where p.account_id = p_account_id
              and p.status = 'OPEN'
         ) + (
           select count(*)
             from trade_queue t
             join instruments i on i.id = t.instrument_id and i.market_type = 'LINEAR'
            where t.account_id = p_account_id
              and t.direction <> 'CLOSE'
              and t.status in ('PENDING', 'EXECUTING', 'PARKED')
         )
    into v_held;
  if p_margin_mode is not null and v_held > 0 then
    raise exception 'account % holds or enters % perpetual position(s): exchanges change the margin mode only while nothing is held', v_account.name, v_held
      using errcode = 'object_not_in_prerequisite_state';
  end if;

  update accounts set margin_mode = p_margin_mode, updated_at = p_now where id = p_account_id;
  perform record_audit(
    p_actor => p_actor, p_action => 'account.margin_mode', p_subject => 'account ' || p_account_id,
    p_before => jsonb_build_object('margin_mode', v_account.margin_mode), p_after => jsonb_build_object('margin_mode', p_margin_mode), p_now => p_now
  );
  return true;
end
$$;
comment on function botbox.set_margin_mode is
  'Sets the margin mode of an account''s perpetuals, ISOLATED or CROSS, put to the exchange before the next entry into each; null leaves it as it is there. False: nothing changed; null: there is no such account. Refused while the account holds or enters a perpetual.';
