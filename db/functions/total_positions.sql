create or replace function botbox.total_positions()
returns trigger
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_of positions := coalesce(new, old);
  v_net_pnl numeric := v_of.realised_pnl - v_of.fees + v_of.funding;
begin
  if coalesce(old.status, 'OPEN') = 'OPEN' then
    insert into position_totals as t (
      bot_id, account_id, strategy_version_id, closed_positions, won, realised_pnl, fees, funding, best, worst, first_opened_at, last_closed_at
    )
    values (
      v_of.bot_id, v_of.account_id, v_of.strategy_version_id, 1, (v_net_pnl > 0)::integer, v_of.realised_pnl, v_of.fees, v_of.funding,
      v_net_pnl, v_net_pnl, v_of.opened_at, v_of.closed_at
    )
    on conflict (bot_id, strategy_version_id, account_id) do update
       set closed_positions = t.closed_positions + 1,
           won = t.won + excluded.won,
           realised_pnl = t.realised_pnl + excluded.realised_pnl,
           fees = t.fees + excluded.fees,
           funding = t.funding + excluded.funding,
           best = greatest(t.best, excluded.best),
           worst = least(t.worst, excluded.worst),
           first_opened_at = least(t.first_opened_at, excluded.first_opened_at),
           last_closed_at = greatest(t.last_closed_at, excluded.last_closed_at);
    return null;
  end if;

  -- A late fill or funding has changed what was counted already. Best and worst cannot be taken back, so the bot is summed anew.
  delete from position_totals t
   where t.bot_id = v_of.bot_id
     and t.account_id = v_of.account_id
     and t.strategy_version_id is not distinct from v_of.strategy_version_id;
  insert into position_totals (
    bot_id, account_id, strategy_version_id, closed_positions, won, realised_pnl, fees, funding, best, worst, first_opened_at, last_closed_at
  )
  select v_of.bot_id, v_of.account_id, v_of.strategy_version_id, count(*), count(*) filter (where n.net_pnl > 0),
         sum(p.realised_pnl), sum(p.fees), sum(p.funding), max(n.net_pnl), min(n.net_pnl), min(p.opened_at), max(p.closed_at)
    from positions p
   cross join lateral (select p.realised_pnl - p.fees + p.funding as net_pnl) n
   where p.bot_id = v_of.bot_id
     and p.account_id = v_of.account_id
     and p.strategy_version_id is not distinct from v_of.strategy_version_id
     and p.status = 'CLOSED'
  having count(*) > 0;
  return null;
end
$$;
comment on function botbox.total_positions is
  'Trigger of positions: adds one that closes to position_totals, and sums its bot anew when a closed one changes. Bot, account and version of a position never change.';

create or replace trigger positions_are_totalled_when_closed
  after update on botbox.positions
  for each row when (old.status = 'CLOSED' or new.status = 'CLOSED') execute function botbox.total_positions();
create or replace trigger closed_positions_are_totalled
  after insert on botbox.positions
  for each row when (new.status = 'CLOSED') execute function botbox.total_positions();
create or replace trigger removed_positions_are_totalled
  after delete on botbox.positions
  for each row when (old.status = 'CLOSED') execute function botbox.total_positions();
