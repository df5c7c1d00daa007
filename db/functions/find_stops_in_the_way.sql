create function botbox.find_stops_in_the_way(p_account_id bigint, p_instrument_id bigint, p_bot_id bigint)
returns table (position_id bigint)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select p.id
    from positions p
   where p.account_id = p_account_id
     and p.instrument_id = p_instrument_id
     and p.bot_id <> p_bot_id
     and p.status = 'OPEN'
     and p.protection = 'EXCHANGE'
   order by p.id;
$$;
comment on function botbox.find_stops_in_the_way is
  'Positions of other bots of an account in an instrument whose stops stand at the exchange: before this bot enters they must go to the guard, since an exchange''s stop closes the whole net.';
