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
    from bots b
    left join claimed c on c.id = b.id
    left join feeds f on f.instrument_id = b.instrument_id
    left join lateral (
           select array_agg(g.instrument_id order by g.leg) as instrument_ids,
                  array_agg(coalesce(e.revision, 0) order by g.leg) as revisions,
                  array_agg(coalesce(e.history_revision, 0) order by g.leg) as history_revisions,
                  min(e.fetched_at) as fetched_at,
                  bool_or(e.fetched_at is null) as is_missing
             from bot_legs g
             left join feeds e on e.instrument_id = g.instrument_id
            where g.bot_id = b.id
         ) l on true
    left join positions p
      on p.bot_id = b.id
     and p.instrument_id = b.instrument_id
     and p.status = 'OPEN'
   where b.id = p_bot_id;
$$;
comment on function botbox.claim_manual_check is
  'Takes the same claim as a scheduled check without touching the schedule: the next scheduled check stays where it was.';
