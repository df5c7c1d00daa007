-- migrate:up
alter table botbox.accounts
  add column max_active_bots integer constraint max_active_bots_is_positive check (max_active_bots > 0);
comment on column botbox.accounts.max_active_bots is
  'How many of its bots may have a place: be ACTIVE, or PAUSED after they were. Others wait. Raised by rollout_steps; null: no limit.';

alter table botbox.bots
  add column is_waiting boolean not null default false,
  add constraint waiting_bot_is_paused check (status = 'PAUSED' or not is_waiting);
comment on column botbox.bots.is_waiting is
  'It is PAUSED only because its account had no place for it, and starts by itself when there is one, in the order of their numbers.';
create index bots_waiting on botbox.bots (account_id, id) where is_waiting;

create table botbox.rollout_steps (
  id bigint generated always as identity primary key,
  account_id bigint not null references botbox.accounts (id) on delete cascade,
  max_active_bots integer not null constraint step_has_places check (max_active_bots > 0),
  step_at timestamptz not null,
  due_at timestamptz not null,
  planned_at timestamptz not null,
  planned_by text not null,
  held_since timestamptz,
  held_reason text,
  taken_at timestamptz,
  cancelled_at timestamptz,
  constraint step_is_never_due_early check (due_at >= step_at),
  constraint step_ends_once check (taken_at is null or cancelled_at is null),
  constraint held_step_has_its_reason check ((held_since is null) = (held_reason is null)),
  constraint held_step_has_not_ended check (held_since is null or (taken_at is null and cancelled_at is null))
);
create unique index rollout_steps_one_per_time on botbox.rollout_steps (account_id, step_at) where taken_at is null and cancelled_at is null;
create index rollout_steps_by_account on botbox.rollout_steps (account_id, planned_at);
comment on table botbox.rollout_steps is
  'How accounts.max_active_bots is to rise, step by step; planned by plan_rollout, taken by take_rollout_steps unless something stands against it.';
comment on column botbox.rollout_steps.id is 'Number of the step.';
comment on column botbox.rollout_steps.account_id is 'Account whose bots it lets start.';
comment on column botbox.rollout_steps.max_active_bots is 'The limit from then on.';
comment on column botbox.rollout_steps.step_at is 'When it was planned for.';
comment on column botbox.rollout_steps.due_at is 'When it is due: as planned, and later by as much as the step before it came late.';
comment on column botbox.rollout_steps.planned_at is 'When the plan was made; its steps have it in common.';
comment on column botbox.rollout_steps.planned_by is 'Who made the plan.';
comment on column botbox.rollout_steps.held_since is 'Since when it is due and something stands against it.';
comment on column botbox.rollout_steps.held_reason is 'What stands against it.';
comment on column botbox.rollout_steps.taken_at is 'When the limit was raised.';
comment on column botbox.rollout_steps.cancelled_at is 'When it was given up, or another plan took its place.';

insert into botbox.alert_rules (code, severity, meaning)
values ('ROLLOUT_HELD', 'WARNING', 'A step of a rollout is due and was not taken, since something stands against it');

create view reporting.rollouts as
select a.id as account_id, a.name as account, a.mode as account_mode, a.exchange_id, a.max_active_bots, b.active_bots, b.places_taken, b.waiting_bots,
       s.max_active_bots as next_max_active_bots, s.due_at as next_at, s.held_since, s.held_reason
  from botbox.accounts a
 cross join lateral (
         select count(*) filter (where x.status = 'ACTIVE') as active_bots,
                count(*) filter (where x.status in ('ACTIVE', 'PAUSED') and not x.is_waiting) as places_taken,
                count(*) filter (where x.is_waiting) as waiting_bots
           from botbox.bots x
          where x.account_id = a.id
       ) b
  left join lateral (
         select x.max_active_bots, x.due_at, x.held_since, x.held_reason
           from botbox.rollout_steps x
          where x.account_id = a.id
            and x.taken_at is null
            and x.cancelled_at is null
          order by x.step_at
          limit 1
       ) s on true
 where a.max_active_bots is not null
    or b.waiting_bots > 0;
comment on view reporting.rollouts is 'Accounts whose bots start step by step: places, who waits, and the next step; one row per account with a limit.';

create view reporting.rollout_steps as
select s.id as step_id, s.account_id, a.name as account, s.max_active_bots, s.step_at, s.due_at,
       case
         when s.taken_at is not null then 'TAKEN'
         when s.cancelled_at is not null then 'CANCELLED'
         when s.held_since is not null then 'HELD'
         else 'PLANNED'
       end as status,
       s.held_since, s.held_reason, s.taken_at, s.cancelled_at, s.planned_at, s.planned_by
  from botbox.rollout_steps s
  join botbox.accounts a on a.id = s.account_id;
comment on view reporting.rollout_steps is 'Steps of rollouts, planned, held, taken and given up; one row per step.';

do $$
declare
  v_column record;
begin
  -- A column of a view says what the column of its table says.
  for v_column in
    select v.relname, va.attname, col_description(t.oid, ta.attnum) as meaning
      from (values ('rollouts', 'accounts'), ('rollouts', 'rollout_steps'), ('rollout_steps', 'rollout_steps')) as w (view_name, table_name)
      join pg_class v on v.relname = w.view_name and v.relnamespace = 'reporting'::regnamespace
      join pg_class t on t.relname = w.table_name and t.relnamespace = 'botbox'::regnamespace
      join pg_attribute va on va.attrelid = v.oid and va.attnum > 0
      join pg_attribute ta on ta.attrelid = t.oid and ta.attname = va.attname and ta.attnum > 0
     where (v.relname, t.relname, va.attname) <> ('rollouts', 'rollout_steps', 'max_active_bots')
  loop
    execute format('comment on column reporting.%I.%I is %L', v_column.relname, v_column.attname, v_column.meaning);
  end loop;
end
$$;
comment on column reporting.rollouts.account_id is 'The account.';
comment on column reporting.rollouts.account is 'Name of the account.';
comment on column reporting.rollouts.account_mode is 'PAPER or LIVE.';
comment on column reporting.rollouts.active_bots is 'Its bots that are ACTIVE.';
comment on column reporting.rollouts.places_taken is 'Its bots that are ACTIVE, or PAUSED after they were: they keep their place.';
comment on column reporting.rollouts.waiting_bots is 'Its bots that wait for a place.';
comment on column reporting.rollouts.next_max_active_bots is 'What the next step raises the limit to; null: none is planned.';
comment on column reporting.rollouts.next_at is 'When the next step is due.';
comment on column reporting.rollout_steps.step_id is 'Number of the step.';
comment on column reporting.rollout_steps.account is 'Name of the account.';
comment on column reporting.rollout_steps.status is 'PLANNED, HELD while something stands against it, TAKEN or CANCELLED.';

-- migrate:down
drop view reporting.rollout_steps, reporting.rollouts;
delete from botbox.alerts where code = 'ROLLOUT_HELD';
delete from botbox.alert_rules where code = 'ROLLOUT_HELD';
drop table botbox.rollout_steps;
alter table botbox.bots drop constraint waiting_bot_is_paused, drop column is_waiting;
alter table botbox.accounts drop column max_active_bots;
