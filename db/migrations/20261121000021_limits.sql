-- migrate:up
-- One bucket may have to keep to several windows at once, as Binance's orders do: per 10 s and per minute or day.
alter table botbox.rate_limit_rules drop constraint rate_limit_rules_pkey;
alter table botbox.rate_limit_rules add primary key (exchange_id, scope, bucket, window_ms);

-- Binance counts spot and USDⓈ-M apart: each host has a weight of its own.
update botbox.rate_limit_rules r
   set bucket = 'weight_linear'
  from botbox.exchanges e
 where e.id = r.exchange_id
   and e.ccxt_id = 'binance'
   and r.scope = 'IP';
insert into botbox.rate_limit_rules (exchange_id, scope, bucket, published_limit, window_ms)
select e.id, r.scope::botbox.limit_scope, r.bucket, r.published_limit, r.window_ms
  from botbox.exchanges e
 cross join (values
    ('IP', 'weight_spot', 6000, 60000),
    ('ACCOUNT', 'order_linear', 1200, 60000),
    ('ACCOUNT', 'order_spot', 160000, 86400000)
  ) as r (scope, bucket, published_limit, window_ms)
 where e.ccxt_id = 'binance';
-- Buckets are made anew from their rules when first used.
delete from botbox.rate_limits where exchange_id in (select id from botbox.exchanges where ccxt_id = 'binance');

alter table botbox.instruments add column maximum_notional botbox.quantity
  constraint maximum_notional_is_above_minimum check (maximum_notional is null or maximum_notional >= minimum_notional);
comment on column botbox.instruments.maximum_notional is 'Most that one market order may be worth in the quote asset; null: the exchange names no limit.';

create type botbox.token_grant as (granted_calls integer, wait_ms integer);
comment on type botbox.token_grant is 'How many of the calls asked for have tokens, and the milliseconds until the next one would.';

alter table botbox.rate_limits
  add column pace numeric not null default 1 constraint pace_is_a_share check (pace > 0 and pace <= 1),
  add column paced_at timestamptz not null default now(),
  add column window_at timestamptz not null default now(),
  add column window_used numeric not null default 0,
  add column minute_at timestamptz not null default now(),
  add column minute_used numeric not null default 0,
  add column minute_granted integer not null default 0,
  add column minute_denied integer not null default 0,
  add column last_used numeric not null default 0,
  add column last_granted integer not null default 0,
  add column last_denied integer not null default 0;
comment on column botbox.rate_limits.pace is
  'Share of the rate in force at paced_at: halved by each refusal of the exchange, back at 1 after ten minutes without one.';
comment on column botbox.rate_limits.paced_at is 'From when on pace recovers: the end of the block that the refusal brought.';
comment on column botbox.rate_limits.window_at is 'When the counting of window_used began; it begins anew after window_ms.';
comment on column botbox.rate_limits.window_used is 'Weight granted since window_at.';
comment on column botbox.rate_limits.minute_at is 'When the counting of the present minute began.';
comment on column botbox.rate_limits.minute_used is 'Most weight granted within one window of the present minute.';
comment on column botbox.rate_limits.minute_granted is 'Calls granted in the present minute.';
comment on column botbox.rate_limits.minute_denied is 'Requests for tokens in the present minute that got none.';
comment on column botbox.rate_limits.last_used is 'Most weight granted within one window of the minute before.';
comment on column botbox.rate_limits.last_granted is 'Calls granted in the minute before.';
comment on column botbox.rate_limits.last_denied is 'Requests for tokens in the minute before that got none.';

create view reporting.rate_limits as
select u.exchange_id, u.scope, u.bucket, u.window_ms, u.published_limit, b.buckets, b.capacity, b.refill_per_second, b.pace, b.granted, b.denied, b.blocked_until
  from botbox.rate_limit_rules u
  left join lateral (
         select count(*) as buckets, min(r.capacity) as capacity, min(r.refill_per_second) as refill_per_second,
                min(least(1, r.pace + greatest(extract(epoch from now() - r.paced_at), 0) / 600)) as pace,
                sum(r.granted_count)::bigint as granted, sum(r.denied_count)::bigint as denied,
                max(r.blocked_until) filter (where r.blocked_until > now()) as blocked_until
           from botbox.rate_limits r
          where r.exchange_id = u.exchange_id
            and r.scope = u.scope
            and r.bucket = u.bucket
       ) b on true;
comment on view reporting.rate_limits is 'Published limits that botbox keeps to, and the buckets in use under each; one row per exchange, scope, bucket and window.';
comment on column reporting.rate_limits.exchange_id is 'The exchange.';
comment on column reporting.rate_limits.scope is 'IP: shared by all accounts behind the address; ACCOUNT: each has its own.';
comment on column reporting.rate_limits.bucket is 'Which kind of call it meters.';
comment on column reporting.rate_limits.window_ms is 'Length of the exchange''s window.';
comment on column reporting.rate_limits.published_limit is 'Weight or calls that the exchange allows in a window; botbox keeps to 80% of it.';
comment on column reporting.rate_limits.buckets is 'Buckets in use: addresses or accounts.';
comment on column reporting.rate_limits.capacity is 'Weight that may be spent at once, of the smallest bucket; null while there is none.';
comment on column reporting.rate_limits.refill_per_second is 'Weight that comes back per second, of the slowest bucket.';
comment on column reporting.rate_limits.pace is 'Share of the rate in force now, of the slowest bucket: below 1 for ten minutes after a refusal of the exchange.';
comment on column reporting.rate_limits.granted is 'Weight granted since ever.';
comment on column reporting.rate_limits.denied is 'Requests for tokens that got none since ever.';
comment on column reporting.rate_limits.blocked_until is 'The exchange allows nothing before; null: it does.';

-- migrate:down
drop view reporting.rate_limits;
alter table botbox.instruments drop column maximum_notional;
alter table botbox.rate_limits
  drop column pace, drop column paced_at, drop column window_at, drop column window_used, drop column minute_at, drop column minute_used,
  drop column minute_granted, drop column minute_denied, drop column last_used, drop column last_granted, drop column last_denied;
drop type botbox.token_grant;
delete from botbox.rate_limit_rules r
 using botbox.exchanges e
 where e.id = r.exchange_id
   and e.ccxt_id = 'binance'
   and (r.bucket = 'weight_spot' or (r.bucket = 'order_linear' and r.window_ms = 60000) or (r.bucket = 'order_spot' and r.window_ms = 86400000));
update botbox.rate_limit_rules set bucket = 'all' where bucket = 'weight_linear';
delete from botbox.rate_limits where bucket in ('weight_linear', 'weight_spot');
alter table botbox.rate_limit_rules drop constraint rate_limit_rules_pkey;
alter table botbox.rate_limit_rules add primary key (exchange_id, scope, bucket);
