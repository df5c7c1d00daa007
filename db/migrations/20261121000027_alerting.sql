-- migrate:up
create table botbox.alert_rules (
  code text primary key constraint alert_code_is_upper_snake_case check (code ~ '^[A-Z][A-Z0-9_]*$'),
  severity botbox.severity not null,
  meaning text not null,
  unit text constraint alert_unit_is_known check (unit in ('seconds', 'share', 'trades', 'failures')),
  default_threshold numeric,
  threshold numeric,
  quiet_minutes integer constraint alert_quiet_time_is_positive check (quiet_minutes > 0),
  is_delivered boolean not null default true,
  changed_at timestamptz,
  changed_by text,
  constraint threshold_has_its_unit check ((unit is null) = (default_threshold is null) and (unit is null) = (threshold is null)),
  constraint alert_threshold_is_not_negative check (threshold >= 0 and threshold < 'Infinity'),
  constraint share_is_at_most_one check (unit <> 'share' or threshold <= 1),
  constraint changed_rule_names_who check ((changed_at is null) = (changed_by is null))
);
comment on table botbox.alert_rules is
  'Every alert that botbox raises, by code; docs/alerts.md says what to do about each. Thresholds and delivery are the operator''s to change, by set_alert_rule.';
comment on column botbox.alert_rules.code is 'Name of the alert, as in alerts.code.';
comment on column botbox.alert_rules.severity is 'How urgent it is, unless the one who raises it knows better.';
comment on column botbox.alert_rules.meaning is 'What has happened, in a sentence.';
comment on column botbox.alert_rules.unit is 'What the threshold counts: seconds, a share from 0 to 1, trades, failures in a row; null where there is no threshold.';
comment on column botbox.alert_rules.default_threshold is 'Threshold as shipped.';
comment on column botbox.alert_rules.threshold is 'Threshold in force: above it the alert is raised.';
comment on column botbox.alert_rules.quiet_minutes is
  'For what is an event rather than a state: resolved after so many minutes without another sighting; null where the cause itself is looked at.';
comment on column botbox.alert_rules.is_delivered is 'False: raised and shown, but sent to no channel.';
comment on column botbox.alert_rules.changed_at is 'When a person last changed it; null: as shipped.';
comment on column botbox.alert_rules.changed_by is 'Who changed it.';

insert into botbox.alert_rules (code, severity, unit, default_threshold, threshold, quiet_minutes, meaning)
select r.code, r.severity::botbox.severity, r.unit, r.threshold, r.threshold, r.quiet_minutes, r.meaning
  from (values
    ('BREAKER_OPEN', 'CRITICAL', null, null::numeric, null::integer, 'The breaker of an exchange is open: nothing is asked or sent there'),
    ('LIMIT_EXCEEDED', 'CRITICAL', null, null, 2, 'An exchange refused calls for its rate limit, or banned us'),
    ('TRADE_FAILURES', 'CRITICAL', 'share', 0.1, null, 'Too many trades of the last hour failed'),
    ('ORDER_UNKNOWN', 'CRITICAL', 'seconds', 600, null, 'The exchange has not told what became of an order: its trade is PARKED'),
    ('RECONCILIATION_POSITION', 'CRITICAL', null, null, null, 'A position is not what the exchange says'),
    ('RECONCILIATION_BALANCE', 'CRITICAL', null, null, null, 'A balance is not what the exchange says'),
    ('RECONCILIATION_FOREIGN_ORDER', 'WARNING', null, null, null, 'An order stands at the exchange that is not ours'),
    ('RECONCILIATION_FOREIGN_POSITION', 'WARNING', null, null, null, 'A position stands at the exchange where our bots hold nothing'),
    ('RECONCILIATION_LOST_ORDER', 'CRITICAL', null, null, null, 'An open order carries our mark and is not in the books'),
    ('RECONCILIATION_MISSING_ORDER', 'CRITICAL', null, null, null, 'The order of an executed trade is gone from the books'),
    ('RECONCILIATION_POSITION_FILLS', 'CRITICAL', null, null, null, 'A position was not entered by the fills in the books'),
    ('LOST_FILL', 'CRITICAL', null, null, null, 'A fill carries our mark and its order is not in the books'),
    ('POSITION_UNPROTECTED', 'CRITICAL', 'seconds', 60, null, 'Stops of positions are watched here, and there is no fresh price to watch them by'),
    ('STOP_MISSING', 'CRITICAL', null, null, null, 'A stop or target that the exchange should keep does not stand there as booked'),
    ('LEDGER_BROKEN', 'CRITICAL', null, null, null, 'Ledger entries do not sum to the booked balances'),
    ('DUPLICATE_CLIENT_ID', 'CRITICAL', null, null, null, 'The exchange refused an order because it knows its client order id already'),
    ('LIMITER_FALLBACK', 'CRITICAL', null, null, 2, 'A worker could not reach the shared limiter and reads by its local one'),
    ('NO_TICK', 'CRITICAL', 'seconds', 120, null, 'Nobody has looked for due bots'),
    ('CLOSE_FAILED', 'CRITICAL', null, null, null, 'Closing a position failed; it is tried again every minute'),
    ('POSITION_OVERCLOSED', 'CRITICAL', null, null, 1440, 'A fill closed more than a position held'),
    ('PAIR_UNBALANCED', 'CRITICAL', null, null, null, 'The legs of a pair do not match'),
    ('ACCOUNT_REDUCING', 'CRITICAL', null, null, null, 'An account reached a limit on losses and only closes'),
    ('CREDENTIALS_REFUSED', 'CRITICAL', null, null, null, 'An exchange does not take the key of an account, which is HALTED'),
    ('CREDENTIALS_UNREADABLE', 'CRITICAL', null, null, null, 'The stored key of an account cannot be decrypted; the account is HALTED'),
    ('INSTRUMENT_DELISTED', 'CRITICAL', null, null, null, 'An exchange no longer trades a market in which something is held or a bot is active'),
    ('MARGIN_RATIO_HIGH', 'CRITICAL', null, null, null, 'Maintenance takes too much of the margin of an account'),
    ('CHANNEL_DEAD', 'CRITICAL', 'failures', 3, null, 'A channel takes no alerts'),
    ('BOT_PAUSED', 'WARNING', null, null, null, 'A bot was paused because its checks failed or it lost too often in a row'),
    ('EVALUATION_KILLED', 'WARNING', null, null, 10, 'Checks of a strategy were stopped at their time limit'),
    ('CHECK_LATENCY', 'WARNING', 'seconds', 10, null, 'Checks are recorded too long after they were due (95th percentile of a minute)'),
    ('QUEUE_DEPTH', 'WARNING', 'trades', 100, null, 'Too many trades wait in the queue'),
    ('REJECTION_RATE', 'WARNING', 'share', 0.8, null, 'Too many signals of the last hour were rejected'),
    ('DATA_LAG', 'WARNING', 'seconds', 300, null, 'Market data of an instrument is too old'),
    ('LIMIT_HIGH_USE', 'WARNING', 'share', 0.6, 2, 'Much of an exchange''s published limit is used'),
    ('LIMITER_DENIALS', 'WARNING', 'share', 0.2, null, 'The limiter denied too many calls of the last minutes'),
    ('WORKER_LOST', 'WARNING', 'seconds', 30, null, 'A worker was not heard and did not say good-bye'),
    ('STRATEGY_FAILING', 'WARNING', 'share', 0.2, null, 'Too many bots of a strategy fail their checks'),
    ('LATE_ENTRY_FILL', 'WARNING', null, null, 1440, 'A late fill of an entry met a position of the other direction and reduced it'),
    ('FOREIGN_FILL', 'WARNING', null, null, 1440, 'The exchange reports a fill of an order that is not ours'),
    ('RESOLUTION_CONTRADICTED', 'WARNING', null, null, 1440, 'The exchange contradicts what a person said of an order'),
    ('DUST_WRITTEN_OFF', 'INFO', null, null, 1440, 'A rest too small to sell was closed in the books'),
    ('BREAKER_CLOSED', 'INFO', null, null, null, 'The breaker of an exchange has closed again'),
    ('DAILY_SUMMARY', 'INFO', null, null, 1440, 'Signals of yesterday by strategy, and why they were rejected')
  ) as r (code, severity, unit, threshold, quiet_minutes, meaning);

create table botbox.alert_channels (
  id bigint generated always as identity primary key,
  name text not null constraint alert_channel_names_are_unique unique constraint channel_name_is_short check (name ~ '^[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}$'),
  kind text not null constraint channel_kind_is_known check (kind in ('WEBHOOK', 'SLACK', 'DISCORD', 'TELEGRAM', 'EMAIL')),
  target text not null,
  settings bytea not null,
  minimum_severity botbox.severity not null default 'WARNING',
  escalate_after_minutes integer constraint escalation_time_is_positive check (escalate_after_minutes > 0),
  consecutive_failures integer not null default 0 constraint channel_failures_are_not_negative check (consecutive_failures >= 0),
  last_delivered_at timestamptz,
  last_failed_at timestamptz,
  last_error text,
  created_at timestamptz not null default now(),
  created_by text not null
) with (fillfactor = 80);
comment on table botbox.alert_channels is 'Where alerts are sent; made and removed by a person, its record of deliveries kept by record_alert_delivery.';
comment on column botbox.alert_channels.id is 'Our own key; means nothing outside this database.';
comment on column botbox.alert_channels.name is 'Name for people, in commands and messages.';
comment on column botbox.alert_channels.kind is 'WEBHOOK, SLACK, DISCORD, TELEGRAM or EMAIL.';
comment on column botbox.alert_channels.target is 'Where it leads, without any secret: a host, a chat, an address.';
comment on column botbox.alert_channels.settings is 'Address and secrets as JSON, encrypted like exchange credentials (AES-256-GCM, BOTBOX_MASTER_KEY).';
comment on column botbox.alert_channels.minimum_severity is 'Alerts of this severity and worse are sent here.';
comment on column botbox.alert_channels.escalate_after_minutes is
  'A CRITICAL alert that nobody has acknowledged after so many minutes is sent here, again if it was before; null: the channel is not for escalation.';
comment on column botbox.alert_channels.consecutive_failures is 'Attempts in a row that failed; 0 after one that succeeded.';
comment on column botbox.alert_channels.last_delivered_at is 'When it last took a message.';
comment on column botbox.alert_channels.last_failed_at is 'When it last did not.';
comment on column botbox.alert_channels.last_error is 'Why, in words that hold no secret.';
comment on column botbox.alert_channels.created_at is 'When it was made: alerts that were over by then are not sent to it.';
comment on column botbox.alert_channels.created_by is 'Who made it.';

create table botbox.alert_deliveries (
  id bigint generated always as identity primary key,
  alert_id bigint not null references botbox.alerts (id) on delete cascade,
  channel_id bigint not null references botbox.alert_channels (id) on delete cascade,
  occasion text not null constraint delivery_occasion_is_known check (occasion in ('OPENED', 'ESCALATED', 'RESOLVED')),
  queued_at timestamptz not null,
  attempts integer not null default 0 constraint delivery_attempts_are_not_negative check (attempts >= 0),
  claimed_until timestamptz,
  delivered_at timestamptz,
  given_up_at timestamptz,
  error text,
  constraint told_once_per_occasion unique (alert_id, channel_id, occasion),
  constraint delivery_ends_one_way check (delivered_at is null or given_up_at is null),
  constraint delivered_after_an_attempt check (delivered_at is null or attempts > 0)
) with (fillfactor = 80);
create index alert_deliveries_by_channel on botbox.alert_deliveries (channel_id, queued_at desc);
create index alert_deliveries_waiting on botbox.alert_deliveries (queued_at) where delivered_at is null and given_up_at is null;
comment on table botbox.alert_deliveries is
  'What is told of which alert to which channel, each once; made by queue_alert_deliveries, carried by pg-boss jobs of queue deliver_alert.';
comment on column botbox.alert_deliveries.id is 'Our own key; means nothing outside this database.';
comment on column botbox.alert_deliveries.alert_id is 'The alert that is told.';
comment on column botbox.alert_deliveries.channel_id is 'The channel that it is told to.';
comment on column botbox.alert_deliveries.occasion is 'OPENED, ESCALATED since nobody acknowledged it, or RESOLVED.';
comment on column botbox.alert_deliveries.queued_at is 'When it was put into the job queue.';
comment on column botbox.alert_deliveries.attempts is 'How often sending was begun.';
comment on column botbox.alert_deliveries.claimed_until is 'End of the lease of the worker that sends it; null when nobody does.';
comment on column botbox.alert_deliveries.delivered_at is 'When the channel took it.';
comment on column botbox.alert_deliveries.given_up_at is 'When the last attempt had failed, or there was nothing left to tell.';
comment on column botbox.alert_deliveries.error is 'Why the last attempt failed, in words that hold no secret.';

create index alerts_by_resolved on botbox.alerts (resolved_at desc) where resolved_at is not null;

create view reporting.alert_rules as
select r.code, r.severity, r.meaning, r.unit, r.threshold, r.default_threshold, r.quiet_minutes, r.is_delivered, r.changed_at, r.changed_by,
       (select count(*) from botbox.alerts a where a.code = r.code and a.resolved_at is null) as open_alerts
  from botbox.alert_rules r;
comment on view reporting.alert_rules is 'Every alert that botbox raises, with its threshold; one row per code.';

create view reporting.alert_channels as
select c.id as channel_id, c.name, c.kind, c.target, c.minimum_severity, c.escalate_after_minutes,
       case
         when c.consecutive_failures >= (select r.threshold from botbox.alert_rules r where r.code = 'CHANNEL_DEAD') then 'DEAD'
         when c.consecutive_failures > 0 then 'FAILING'
         when c.last_delivered_at is null then 'UNTRIED'
         else 'WORKING'
       end as state,
       c.consecutive_failures, c.last_delivered_at, c.last_failed_at, c.last_error,
       (select count(*)
          from botbox.alert_deliveries d
         where d.channel_id = c.id
           and d.delivered_at is null
           and d.given_up_at is null) as waiting,
       c.created_at, c.created_by
  from botbox.alert_channels c;
comment on view reporting.alert_channels is 'Where alerts are sent and whether they arrive, never the secrets; one row per channel.';

do $$
declare
  v_column record;
begin
  for v_column in
    select c.relname, a.attname, coalesce(own.meaning, col_description(t.oid, o.attnum)) as meaning
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
      left join pg_class t on t.relnamespace = 'botbox'::regnamespace and t.relname = c.relname
      left join pg_attribute o on o.attrelid = t.oid and o.attname = a.attname
      left join (values
             ('open_alerts', 'How many are open now.'),
             ('channel_id', 'The channel''s number.'),
             ('state', 'WORKING, UNTRIED, FAILING after a failure, or DEAD after as many in a row as CHANNEL_DEAD allows.'),
             ('waiting', 'Messages that are not delivered yet.')
           ) as own (name, meaning) on own.name = a.attname
     where c.relnamespace = 'reporting'::regnamespace
       and c.relname in ('alert_rules', 'alert_channels')
  loop
    execute format('comment on column reporting.%I.%I is %L', v_column.relname, v_column.attname, v_column.meaning);
  end loop;
end
$$;

-- migrate:down
drop view reporting.alert_channels, reporting.alert_rules;
drop index botbox.alerts_by_resolved;
drop table botbox.alert_deliveries, botbox.alert_channels, botbox.alert_rules;
