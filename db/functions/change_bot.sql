create function botbox.change_bot(
  p_bot_id bigint,
  p_changes jsonb,
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_names constant text[] := array[
    'name', 'interval_minutes', 'adaptive_base_minutes', 'sizing', 'sizing_value', 'leverage', 'max_position_notional', 'execution'
  ];
  v_bot bots;
  v_before jsonb;
  v_name text;
begin
  select * into v_bot from bots where id = p_bot_id and status <> 'DELETED' for no key update;
  if v_bot.id is null then
    return false;
  end if;
  for v_name in select jsonb_object_keys(p_changes)
  loop
    if v_name <> all (v_names) then
      raise exception '%: a bot has no such field to change', v_name using errcode = 'check_violation', constraint = 'bot_field_is_known';
    end if;
  end loop;
  v_before := to_jsonb(v_bot);
  v_bot := jsonb_populate_record(v_bot, p_changes);
  if v_bot.leverage <> 1 and (select market_type from instruments where id = v_bot.instrument_id) = 'SPOT' then
    raise exception 'a spot market has no leverage' using errcode = 'check_violation', constraint = 'spot_bot_has_no_leverage';
  end if;

  -- A check under way decides with what it was claimed with; what is held or queued already stays as it is.
  update bots b
     set name = v_bot.name,
         interval_minutes = v_bot.interval_minutes,
         adaptive_base_minutes = v_bot.adaptive_base_minutes,
         sizing = v_bot.sizing,
         sizing_value = v_bot.sizing_value,
         leverage = v_bot.leverage,
         max_position_notional = v_bot.max_position_notional,
         execution = v_bot.execution,
         next_check_at = case
           when b.status = 'ACTIVE' and b.interval_minutes <> v_bot.interval_minutes then next_grid_point(p_now, v_bot.interval_minutes)
           else b.next_check_at
         end,
         updated_at = p_now
   where b.id = p_bot_id;

  -- Entries that wait from now on wait for a person; the other way round those that were to be asked about still are.
  if v_bot.execution = 'CONFIRM' and v_before ->> 'execution' = 'AUTO' then
    insert into trade_approvals (trade_id, requested_at)
    select t.id, p_now
      from trade_queue t
     where t.bot_id = p_bot_id
       and t.status = 'PENDING'
       and t.direction <> 'CLOSE'
    on conflict do nothing;
  end if;

  perform record_audit(
    p_actor => p_actor, p_action => 'bot.change', p_subject => 'bot ' || p_bot_id,
    p_before => jsonb_object_agg(c.key, v_before -> c.key), p_after => jsonb_object_agg(c.key, c.value), p_now => p_now
  )
     from jsonb_each(to_jsonb(v_bot)) c
    where c.key = any (v_names)
      and c.value is distinct from v_before -> c.key
   having count(*) > 0;
  return true;
end
$$;
comment on function botbox.change_bot is
  'Changes the given fields of a bot, null removes a limit; with another interval it is next checked on that grid. False: there is no such bot.';
