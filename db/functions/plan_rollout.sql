create function botbox.plan_rollout(
  p_account_id bigint,
  p_steps jsonb,
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_account accounts;
  v_step record;
  v_count integer;
begin
  select * into v_account from accounts where id = p_account_id for no key update;
  if v_account.id is null then
    return null;
  end if;
  for v_step in
    select s.max_active_bots, s.step_at, s.position, lag(s.max_active_bots) over w as bots_before, lag(s.step_at) over w as before_at
      from (
             select t.max_active_bots, case when k.position = 1 then coalesce(t.step_at, p_now) else t.step_at end as step_at, k.position
               from jsonb_array_elements(p_steps) with ordinality as k (step, position)
              cross join lateral jsonb_to_record(k.step) as t (max_active_bots integer, step_at timestamptz)
           ) s
    window w as (order by s.position)
     order by s.position
  loop
    if v_step.position = 1 and v_step.step_at > p_now then
      raise exception 'the first step is taken at once: it has no time'
        using errcode = 'check_violation', constraint = 'first_step_is_now';
    end if;
    if v_step.position > 1 and (v_step.step_at is null or v_step.step_at <= greatest(v_step.before_at, p_now)) then
      raise exception 'step %: its time must lie ahead, and after the step before it', v_step.position
        using errcode = 'check_violation', constraint = 'steps_follow_each_other';
    end if;
    if coalesce(v_step.max_active_bots, 0) <= coalesce(v_step.bots_before, 0) then
      raise exception 'step %: expected more bots than the step before it', v_step.position
        using errcode = 'check_violation', constraint = 'steps_rise';
    end if;
  end loop;

  update rollout_steps s
     set cancelled_at = p_now, held_since = null, held_reason = null
   where s.account_id = p_account_id
     and s.taken_at is null
     and s.cancelled_at is null;
  insert into rollout_steps (account_id, max_active_bots, step_at, due_at, planned_at, planned_by, taken_at)
  select p_account_id, t.max_active_bots, n.at, n.at, p_now, p_actor, case when k.position = 1 then p_now end
    from jsonb_array_elements(p_steps) with ordinality as k (step, position)
   cross join lateral jsonb_to_record(k.step) as t (max_active_bots integer, step_at timestamptz)
   cross join lateral (select case when k.position = 1 then p_now else t.step_at end as at) n;
  get diagnostics v_count = row_count;
  if v_count = 0 then
    raise exception 'a rollout has at least one step' using errcode = 'check_violation', constraint = 'rollout_has_steps';
  end if;
  update accounts
     set max_active_bots = (p_steps -> 0 ->> 'max_active_bots')::integer, updated_at = p_now
   where id = p_account_id;
  perform record_audit(
    p_actor => p_actor, p_action => 'rollout.plan', p_subject => 'account ' || p_account_id,
    p_before => jsonb_build_object('max_active_bots', v_account.max_active_bots), p_after => jsonb_build_object('steps', p_steps), p_now => p_now
  );
  return v_count;
end
$$;
comment on function botbox.plan_rollout is
  'Plans how many bots of an account may be active, [{max_active_bots, step_at}]: the first step counts at once, the others rise by number and time; steps of an earlier plan are given up. Bots that are active already stay. Answers how many steps, null if there is no such account.';
