create function botbox.resume_entries(
  p_scope botbox.pause_scope,
  p_exchange_id text default null,
  p_account_id bigint default null,
  p_bot_id bigint default null,
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_count integer;
begin
  update pauses
     set lifted_at = p_now, lifted_by = p_actor
   where lifted_at is null
     and (lifts_at is null or lifts_at > p_now)
     and scope = p_scope
     and exchange_id is not distinct from p_exchange_id
     and account_id is not distinct from p_account_id
     and bot_id is not distinct from p_bot_id;
  get diagnostics v_count = row_count;
  if v_count > 0 then
    perform record_audit(
      p_actor => p_actor, p_action => 'resume', p_subject => concat_ws(' ', lower(p_scope::text), p_exchange_id, p_account_id, p_bot_id),
      p_after => jsonb_build_object('pauses', v_count), p_now => p_now
    );
    perform pg_notify('botbox_trades', 'resumed');
  end if;
  return v_count;
end
$$;
comment on function botbox.resume_entries is 'Lifts the pauses in force of exactly this scope; answers how many there were.';
