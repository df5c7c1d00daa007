-- migrate:up
-- When the exchange last changed what an order in a market must satisfy: a refusal that follows such a change is not the end of an order.
alter table botbox.instruments add column figures_changed_at timestamptz;
comment on column botbox.instruments.figures_changed_at is
  'When a market list first stated another lot, tick, minimum, maximum or state than the one before; null: never since the instrument is known. Written by record_instruments.';

-- What a person said no to is no failure of the system: shown in a column of its own, and no part of what could have been captured.
create or replace view reporting.signal_capture as
select d.day_at, st.name as strategy, a.mode as account_mode, sum(d.accepted)::bigint as accepted, sum(d.executed)::bigint as executed,
       sum(d.waiting)::bigint as waiting, sum(d.expired)::bigint as expired, sum(d.cancelled)::bigint as cancelled, sum(d.failed)::bigint as failed,
       (sum(d.executed) / nullif(sum(d.accepted - d.waiting - d.by_person), 0))::double precision as capture_rate,
       sum(d.by_person)::bigint as refused_by_person
  from (
         select date_bin(interval '1 day', t.queued_at, 'epoch'::timestamptz) as day_at, t.strategy_version_id, t.account_id,
                -- Where the trade names no version, its bot's is taken.
                case when t.strategy_version_id is null then t.bot_id end as bot_id,
                count(*) as accepted, count(*) filter (where t.status = 'EXECUTED') as executed,
                count(*) filter (where t.status in ('PENDING', 'EXECUTING', 'PARKED')) as waiting,
                count(*) filter (where t.status = 'EXPIRED') as expired, count(*) filter (where t.status = 'CANCELLED') as cancelled,
                count(*) filter (where t.status = 'FAILED') as failed,
                count(*) filter (
                  where t.reason_code in ('REJECTED_BY_PERSON', 'CANCELLED_BY_PERSON', 'NOT_APPROVED') and t.status in ('CANCELLED', 'EXPIRED')
                ) as by_person
           from botbox.trade_queue t
          where t.queued_at > now() - interval '30 days'
          group by 1, 2, 3, 4
       ) d
  left join botbox.bots b on b.id = d.bot_id
  join botbox.strategy_versions v on v.id = coalesce(d.strategy_version_id, b.strategy_version_id)
  join botbox.strategies st on st.id = v.strategy_id
  join botbox.accounts a on a.id = d.account_id
 group by d.day_at, st.name, a.mode;
comment on column reporting.signal_capture.expired is 'Those that grew too old, also waiting for a person''s word.';
comment on column reporting.signal_capture.cancelled is 'Those that were cancelled, by a person or because something had changed.';
comment on column reporting.signal_capture.capture_rate is
  'Share of those that have ended and that no person stopped that was executed, 0 to 1; null while there is none.';
comment on column reporting.signal_capture.refused_by_person is
  'Those of the expired and cancelled that a person rejected or cancelled, or did not approve in time: no part of the capture rate.';

-- migrate:down
drop view reporting.signal_capture;
create view reporting.signal_capture as
select d.day_at, st.name as strategy, a.mode as account_mode, sum(d.accepted)::bigint as accepted, sum(d.executed)::bigint as executed,
       sum(d.waiting)::bigint as waiting, sum(d.expired)::bigint as expired, sum(d.cancelled)::bigint as cancelled, sum(d.failed)::bigint as failed,
       (sum(d.executed) / nullif(sum(d.accepted - d.waiting), 0))::double precision as capture_rate
  from (
         select date_bin(interval '1 day', t.queued_at, 'epoch'::timestamptz) as day_at, t.strategy_version_id, t.account_id,
                case when t.strategy_version_id is null then t.bot_id end as bot_id,
                count(*) as accepted, count(*) filter (where t.status = 'EXECUTED') as executed,
                count(*) filter (where t.status in ('PENDING', 'EXECUTING', 'PARKED')) as waiting,
                count(*) filter (where t.status = 'EXPIRED') as expired, count(*) filter (where t.status = 'CANCELLED') as cancelled,
                count(*) filter (where t.status = 'FAILED') as failed
           from botbox.trade_queue t
          where t.queued_at > now() - interval '30 days'
          group by 1, 2, 3, 4
       ) d
  left join botbox.bots b on b.id = d.bot_id
  join botbox.strategy_versions v on v.id = coalesce(d.strategy_version_id, b.strategy_version_id)
  join botbox.strategies st on st.id = v.strategy_id
  join botbox.accounts a on a.id = d.account_id
 group by d.day_at, st.name, a.mode;
alter table botbox.instruments drop column figures_changed_at;
