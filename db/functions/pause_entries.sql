create function botbox.pause_entries(
  p_scope botbox.pause_scope,
  p_reason text,
  p_exchange_id text default null,
  p_account_id bigint default null,
  p_bot_id bigint default null,
  p_lifts_at timestamptz default null,
  p_cancel_queued boolean default false,
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns bigint
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_id bigint;
  v_trade_id uuid;
  v_cancelled integer := 0;
begin
  insert into pauses (scope, exchange_id, account_id, bot_id, reason, created_by, created_at, lifts_at)
  values (p_scope, p_exchange_id, p_account_id, p_bot_id, p_reason, p_actor, p_now, p_lifts_at)
  returning id into strict v_id;
  -- After the pause, so that what is decided from now on is refused; what may have been sent already stays and settles.
  if p_cancel_queued then
    for v_trade_id in
      select t.id
        from trade_queue t
        join accounts a on a.id = t.account_id
       where t.finished_at is null
         and t.direction <> 'CLOSE'
         and (p_scope = 'ALL' or a.exchange_id = p_exchange_id or t.account_id = p_account_id or t.bot_id = p_bot_id)
       order by t.id
    loop
      v_cancelled := v_cancelled + cancel_unsent_trade(p_trade_id => v_trade_id, p_now => p_now)::integer;
    end loop;
  end if;
  perform record_audit(
    p_actor => p_actor, p_action => 'pause', p_subject => concat_ws(' ', lower(p_scope::text), p_exchange_id, p_account_id, p_bot_id),
    p_after => jsonb_build_object('pause_id', v_id, 'reason', p_reason, 'lifts_at', p_lifts_at, 'cancelled_entries', v_cancelled), p_now => p_now
  );
  return v_id;
end
$$;
comment on function botbox.pause_entries is 'Stops entries of a scope, until a time or until resumed; positions, their stops and their closes go on. Queued entries wait until their time to live is over, or are cancelled with p_cancel_queued, except those that may have been sent.';
