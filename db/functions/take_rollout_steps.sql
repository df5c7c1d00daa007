create function botbox.take_rollout_steps(p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_account accounts;
  v_step rollout_steps;
  v_obstacle text;
  v_waiting bigint[];
  v_holding jsonb := '[]';
  v_started integer := 0;
begin
  for v_account in
    select *
      from accounts a
     where exists (select from rollout_steps s where s.account_id = a.id and s.taken_at is null and s.cancelled_at is null and s.due_at <= p_now)
        or exists (select from bots b where b.account_id = a.id and b.is_waiting)
     order by a.id
  loop
    -- Bots before their account and waiting for none of them, or who records checks would wait in a circle with this.
    select array_agg(w.id order by w.id)
      into v_waiting
      from (select b.id from bots b where b.account_id = v_account.id and b.is_waiting order by b.id for no key update skip locked) w;
    select * into v_account from accounts a where a.id = v_account.id for no key update;
    select *
      into v_step
      from rollout_steps s
     where s.account_id = v_account.id
       and s.taken_at is null
       and s.cancelled_at is null
     order by s.step_at
     limit 1
       for no key update;
    -- One step at a time, whatever was missed: the next is due as long after this one as it was planned to be.
    if v_step.due_at is null or v_step.due_at > p_now then
      v_step := null;
    end if;
    continue when v_step.id is null and (v_waiting is null or free_places(p_account_id => v_account.id) <= 0);

    v_obstacle := rollout_obstacle(p_account => v_account, p_now => p_now);
    if v_obstacle is not null then
      v_holding := v_holding || jsonb_build_object(
        'code', 'ROLLOUT_HELD', 'subject', 'account ' || v_account.id,
        'message', format(
          '%s bots of account %s wait to start%s: %s', coalesce(cardinality(v_waiting), 0), v_account.name,
          coalesce(format(', up to %s', v_step.max_active_bots), ''), v_obstacle
        ),
        'details', jsonb_build_object('account_id', v_account.id, 'step_id', v_step.id, 'obstacle', v_obstacle)
      );
      if v_step.id is not null and v_step.held_reason is distinct from v_obstacle then
        update rollout_steps
           set held_since = coalesce(held_since, p_now), held_reason = v_obstacle
         where id = v_step.id;
        perform record_audit(
          p_actor => 'system', p_action => 'rollout.hold', p_subject => 'account ' || v_account.id,
          p_after => jsonb_build_object('step_id', v_step.id, 'max_active_bots', v_step.max_active_bots, 'reason', v_obstacle), p_now => p_now
        );
      end if;
      continue;
    end if;

    if v_step.id is not null then
      update rollout_steps
         set taken_at = p_now, held_since = null, held_reason = null
       where id = v_step.id;
      -- A minute late is on time.
      if p_now > v_step.due_at + interval '5 minutes' then
        update rollout_steps s
           set due_at = s.due_at + (p_now - v_step.due_at)
         where s.account_id = v_account.id
           and s.taken_at is null
           and s.cancelled_at is null;
      end if;
      update accounts set max_active_bots = v_step.max_active_bots, updated_at = p_now where id = v_account.id;
      perform record_audit(
        p_actor => 'system', p_action => 'rollout.step', p_subject => 'account ' || v_account.id,
        p_before => jsonb_build_object('max_active_bots', v_account.max_active_bots),
        p_after => jsonb_build_object('max_active_bots', v_step.max_active_bots, 'step_id', v_step.id), p_now => p_now
      );
    end if;
    select v_started + count(*)::integer
      into v_started
      from unnest(v_waiting[:coalesce(free_places(p_account_id => v_account.id), cardinality(v_waiting))]) as w (id)
     cross join lateral set_bot_status(p_bot_id => w.id, p_status => 'ACTIVE', p_reason => 'its turn in the rollout', p_now => p_now);
  end loop;
  perform sync_alerts(p_codes => array['ROLLOUT_HELD'], p_holding => v_holding, p_now => p_now);
  return v_started;
end
$$;
comment on function botbox.take_rollout_steps is
  'Raises limits whose step is due and starts bots that wait for a place, in the order of their numbers; while something stands against it (rollout_obstacle) the step is held under the alert ROLLOUT_HELD. Answers how many bots have started.';
