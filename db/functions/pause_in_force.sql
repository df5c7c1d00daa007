create function botbox.pause_in_force(p_bot_id bigint, p_account_id bigint, p_exchange_id text, p_now timestamptz default now())
returns bigint
language sql
stable
set search_path = botbox, pg_temp
as $$
  select p.id
    from pauses p
   where p.lifted_at is null
     and (p.lifts_at is null or p.lifts_at > p_now)
     and (
       p.scope = 'ALL'
       or p.exchange_id = p_exchange_id
       or p.account_id = p_account_id
       or p.bot_id = p_bot_id
     )
   order by p.id
   limit 1;
$$;
comment on function botbox.pause_in_force is 'The oldest pause that now stops entries of this bot, its account, its exchange or all; null if none does.';
