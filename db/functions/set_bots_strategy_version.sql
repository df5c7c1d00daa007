create function botbox.set_bots_strategy_version(
  p_bot_ids bigint[],
  p_strategy_version_id bigint,
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns table (bot_id bigint, name text, from_version integer, to_version integer)
language plpgsql
set search_path = botbox, pg_temp
as $$
#variable_conflict use_column
declare
  v_version strategy_versions;
  v_bot record;
begin
  select * into v_version from strategy_versions where id = p_strategy_version_id;
  if v_version.id is null then
    raise exception 'there is no strategy version %', p_strategy_version_id using errcode = 'no_data_found';
  end if;

  for v_bot in
    select b.id, b.name, b.strategy_version_id, v.version, v.strategy_id, v.legs
      from bots b
      join strategy_versions v on v.id = b.strategy_version_id
     where b.id = any (p_bot_ids)
       and b.status <> 'DELETED'
       and b.strategy_version_id <> p_strategy_version_id
     order by b.id
       for no key update of b
  loop
    if v_bot.strategy_id <> v_version.strategy_id then
      raise exception 'bot % is one of %, the version is of %', v_bot.name, v_bot.strategy_id, v_version.strategy_id
        using errcode = 'check_violation', constraint = 'bot_stays_with_its_strategy';
    end if;
    if v_bot.legs <> v_version.legs then
      raise exception 'bot % trades % instruments together, the version %', v_bot.name, v_bot.legs, v_version.legs
        using errcode = 'check_violation', constraint = 'bot_has_the_legs_of_its_strategy';
    end if;

    -- A check under way records and decides with the version that it was claimed with; a position and its stops stay as they are.
    update bots
       set strategy_version_id = p_strategy_version_id,
           updated_at = p_now
     where id = v_bot.id;
    perform record_audit(
      p_actor => p_actor, p_action => 'bot.strategy_version', p_subject => 'bot ' || v_bot.id,
      p_before => jsonb_build_object('strategy_version_id', v_bot.strategy_version_id, 'version', v_bot.version),
      p_after => jsonb_build_object('strategy_version_id', v_version.id, 'version', v_version.version),
      p_now => p_now
    );
    bot_id := v_bot.id;
    name := v_bot.name;
    from_version := v_bot.version;
    to_version := v_version.version;
    return next;
  end loop;
end
$$;
comment on function botbox.set_bots_strategy_version is
  'Moves bots to another version of their strategy, from their next check on, all or none; answers those that moved. Bots that are deleted or on it already are left out.';
