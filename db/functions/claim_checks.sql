create function botbox.claim_checks(
  p_jobs jsonb,
  p_worker_id text,
  p_lease_ms integer default 30000,
  p_wait_ms integer default 10000,
  p_now timestamptz default now()
)
returns table (
  bot_id bigint,
  due_at timestamptz,
  verdict text,
  strategy_version_id bigint,
  account_id bigint,
  instrument_id bigint,
  data_fetched_at timestamptz,
  data_revision bigint,
  data_history_revision bigint,
  position_direction botbox.direction,
  position_quantity numeric,
  position_entry_price numeric,
  position_lots integer,
  position_opened_at timestamptz,
  further_instrument_ids bigint[],
  further_revisions bigint[],
  further_history_revisions bigint[]
)
language sql
set search_path = botbox, pg_temp
as $$
  with jobs as (
    select distinct j.bot_id, j.due_at
      from jsonb_to_recordset(p_jobs) as j (bot_id bigint, due_at timestamptz)
  ),
  -- Locked in id order, rows that another worker is claiming right now are skipped: they count as BUSY. Each bot once, also
  -- when it comes with two jobs: a row that is locked again after its claim in the same statement would be skipped.
  locked as (
    select b.id, b.status, b.next_check_at, b.claimed_until, b.created_at, b.instrument_id
      from bots b
     where b.id in (select j.bot_id from jobs j)
     order by b.id
       for no key update skip locked
  ),
  -- A pair is as fresh as the staler of its legs.
  further as (
    select g.bot_id,
           array_agg(g.instrument_id order by g.leg) as instrument_ids,
           array_agg(coalesce(f.revision, 0) order by g.leg) as revisions,
           array_agg(coalesce(f.history_revision, 0) order by g.leg) as history_revisions,
           min(f.fetched_at) as fetched_at,
           bool_or(f.fetched_at is null) as is_missing
      from bot_legs g
      left join feeds f on f.instrument_id = g.instrument_id
     where g.bot_id in (select j.bot_id from jobs j)
     group by g.bot_id
  ),
  seen as (
    select b.id,
           j.due_at,
           b.claimed_until is not null and b.claimed_until > p_now as is_busy,
           b.status = 'ACTIVE' and b.next_check_at = j.due_at as is_current,
           -- A check due at a candle's close waits for the fetch that can contain the candle, but not for ever; a new bot
           -- waits a little longer for the first fetch of its feed, which brings the history.
           coalesce(least(f.fetched_at, l.fetched_at) >= j.due_at and not coalesce(l.is_missing, false), false)
             or (
               p_now >= j.due_at + make_interval(secs => p_wait_ms / 1000.0)
               and (f.fetched_at is not null and not coalesce(l.is_missing, false) or p_now >= b.created_at + interval '1 minute')
             ) as is_ready
      from locked b
      join jobs j on j.bot_id = b.id
      left join feeds f on f.instrument_id = b.instrument_id
      left join further l on l.bot_id = b.id
  ),
  claimed as (
    update bots b
       set claimed_by = p_worker_id,
           claimed_until = p_now + make_interval(secs => p_lease_ms / 1000.0)
      from seen s
     where b.id = s.id
       and s.is_current
       and s.is_ready
       and not s.is_busy
    returning b.id, b.strategy_version_id, b.account_id, b.instrument_id
  )
  select j.bot_id,
         j.due_at,
         case
           when c.id is not null then 'CLAIMED'
           when s.id is null and exists (select from bots b where b.id = j.bot_id) then 'BUSY'
           when s.id is null or not s.is_current then 'GONE'
           when s.is_busy then 'BUSY'
           else 'NOT_READY'
         end,
         c.strategy_version_id,
         c.account_id,
         c.instrument_id,
         case when not coalesce(l.is_missing, false) then least(f.fetched_at, l.fetched_at) end,
         f.revision,
         f.history_revision,
         p.direction,
         p.quantity,
         p.average_entry_price,
         p.lots,
         p.opened_at,
         l.instrument_ids,
         l.revisions,
         l.history_revisions
    from jobs j
    left join seen s on s.id = j.bot_id and s.due_at = j.due_at
    -- A bot may come with a stale job beside its present one: only that is claimed.
    left join claimed c on c.id = s.id and s.is_current
    left join feeds f on f.instrument_id = c.instrument_id
    left join further l on l.bot_id = c.id
    left join positions p
      on p.bot_id = c.id
     and p.instrument_id = c.instrument_id
     and p.status = 'OPEN';
$$;
comment on function botbox.claim_checks is
  'Claims due bots for one worker by optimistic lock on next_check_at, as a lease. Verdicts: CLAIMED; BUSY or NOT_READY (ask again soon); GONE (nothing left to do).';
