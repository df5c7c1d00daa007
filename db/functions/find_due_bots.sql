create function botbox.find_due_bots(p_now timestamptz default now(), p_limit integer default 200000)
returns table (bot_id bigint, due_at timestamptz)
language sql
stable
set search_path = botbox, pg_temp
as $$
  -- Once through the index of what is due, whatever the planner expects of it: market by market every bot would be looked at, 100,000 pages
  -- instead of 50 where 500 of 100,000 bots are due.
  with due as materialized (
    select b.id, b.next_check_at, b.instrument_id
      from bots b
     where b.status = 'ACTIVE'
       and b.next_check_at <= p_now
       and (b.claimed_until is null or b.claimed_until <= p_now)
  )
  select b.id, b.next_check_at
    from due b
    join instruments i on i.id = b.instrument_id
    join circuit_breakers k on k.exchange_id = i.exchange_id
   where k.state = 'CLOSED'
   order by b.next_check_at, b.id
   limit p_limit;
$$;
comment on function botbox.find_due_bots is
  'Bots whose check is due and that nobody is checking; bots of an exchange whose breaker is not CLOSED rest and stay due.';
