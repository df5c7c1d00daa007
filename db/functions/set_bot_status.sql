create function botbox.set_bot_status(
  p_bot_id bigint,
  p_status botbox.bot_status,
  p_reason text default null,
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns botbox.bot_status
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_bot bots;
  v_limit integer;
begin
  select * into v_bot from bots where id = p_bot_id for no key update;
  if v_bot.id is null then
    return null;
  end if;
  if v_bot.status = 'DELETED' and p_status <> 'DELETED' then
    raise exception 'bot % is deleted', p_bot_id using errcode = 'object_not_in_prerequisite_state';
  end if;
  if v_bot.status = p_status then
    return v_bot.status;
  end if;
  if p_status in ('ACTIVE', 'PAUSED') and (v_bot.is_waiting or v_bot.status = 'STOPPED') then
    select a.max_active_bots into v_limit from accounts a where a.id = v_bot.account_id and a.max_active_bots is not null for no key update;
    if v_limit is not null and free_places(p_account_id => v_bot.account_id) <= 0 then
      raise exception 'its account may have % active bots, and has them: stop another one, or raise the limit by a rollout', v_limit
        using errcode = 'check_violation', constraint = 'active_bots_within_limit';
    end if;
  end if;
  update bots
     set status = p_status,
         status_reason = p_reason,
         next_check_at = case when p_status = 'ACTIVE' then next_grid_point(p_now, interval_minutes) end,
         -- A bot that comes back starts with a free claim; a check still running for it will find its claim gone.
         claimed_by = case when p_status = 'ACTIVE' then null else claimed_by end,
         claimed_until = case when p_status = 'ACTIVE' then null else claimed_until end,
         is_waiting = false,
         consecutive_failures = 0,
         losses_count_from = case when p_status = 'ACTIVE' then p_now else losses_count_from end,
         deleted_at = case when p_status = 'DELETED' then p_now end,
         updated_at = p_now
   where id = p_bot_id;
  if p_status <> 'PAUSED' then
    perform resolve_alert(p_code => 'BOT_PAUSED', p_subject => 'bot ' || p_bot_id, p_now => p_now);
  end if;
  perform record_audit(
    p_actor => p_actor, p_action => 'bot.status', p_subject => 'bot ' || p_bot_id,
    p_before => jsonb_build_object('status', v_bot.status), p_after => jsonb_build_object('status', p_status, 'reason', p_reason), p_now => p_now
  );
  return p_status;
end
$$;
comment on function botbox.set_bot_status is
  'Moves a bot between ACTIVE, PAUSED, STOPPED and DELETED (for good); null if there is no such bot. Positions stay as they are. Throws check_violation where its account has no place for it (max_active_bots).';
