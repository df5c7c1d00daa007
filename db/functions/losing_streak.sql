create function botbox.losing_streak(p_bot_id bigint, p_since timestamptz default null)
returns table (losses integer, lost_at timestamptz, lost numeric)
language sql
stable
set search_path = botbox, pg_temp
as $$
  with latest as (
    select p.id, p.opened_at, coalesce(p.closed_at, 'infinity') as closed_at, p.realised_pnl - p.fees + p.funding as pnl
      from positions p
     where p.bot_id = p_bot_id
       and p.opened_at > coalesce(p_since, '-infinity') - interval '30 days'
     order by p.opened_at desc
     limit 200
  ),
  begun as (
    select l.*,
           l.opened_at >= coalesce(
             max(l.closed_at) over (order by l.opened_at, l.id rows between unbounded preceding and 1 preceding), '-infinity'
           ) as begins
      from latest l
  ),
  numbered as (
    select b.*, count(*) filter (where b.begins) over (order by b.opened_at, b.id) as round
      from begun b
  ),
  -- From flat to flat counts once: of a pair's legs one nearly always loses what the other wins.
  rounds as (
    select n.round, max(n.closed_at) as closed_at, sum(n.pnl) as pnl
      from numbered n
     group by n.round
    having max(n.closed_at) < 'infinity'
       and max(n.closed_at) > coalesce(p_since, '-infinity')
  ),
  newest as (
    select r.closed_at, r.pnl from rounds r order by r.round desc limit 1
  )
  select count(*)::integer, max(n.closed_at), max(n.pnl)
    from newest n
    join rounds r on r.round > (select coalesce(max(w.round), 0) from rounds w where w.pnl >= 0)
   where n.pnl < 0;
$$;
comment on function botbox.losing_streak is
  'How many positions a bot lost in a row until now, of those closed after p_since, and when and how much it lost last (net, in the settlement asset); the legs of a pair are one. lost_at is null if the last one did not lose.';
