create function botbox.claim_manual_check(
  p_bot_id bigint,
  p_worker_id text,
  p_lease_ms integer default 30000,
  p_now timestamptz default now()
)
returns table (
  verdict text,
  strategy_version_id bigint,
  account_id bigint,
  instrument_id bigint,
  data_fetched_at timestamptz,
  data_revision bigint,
  position_direction botbox.direction,
  position_quantity double precision,
  position_entry_price double precision,
  position_opened_at timestamptz
)
language sql
set search_path = botbox, pg_temp
as $$
  with claimed as (
    update bots b
       set claimed_by = p_worker_id,
           claimed_until = p_now + make_interval(secs => p_lease_ms / 1000.0)
     where b.id = p_bot_id
       and b.status <> 'DELETED'
       and (b.claimed_until is null or b.claimed_until <= p_now)
    returning b.id, b.strategy_version_id, b.account_id, b.instrument_id
  )
  select case when c.id is not null then 'CLAIMED' when b.status = 'DELETED' then 'GONE' else 'BUSY' end,
         c.strategy_version_id,
         c.account_id,
         c.instrument_id,
         f.fetched_at,
         f.revision,
         p.direction,
         p.quantity::double precision,
         p.average_entry_price::double precision,
         p.opened_at
    from bots b
    left join claimed c on c.id = b.id
    left join feeds f on f.instrument_id = b.instrument_id
    left join positions p
      on p.bot_id = b.id
     and p.instrument_id = b.instrument_id
     and p.status = 'OPEN'
   where b.id = p_bot_id;
$$;
comment on function botbox.claim_manual_check is
  'Takes the same claim as a scheduled check without touching the schedule: the next scheduled check stays where it was.';
