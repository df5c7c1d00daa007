create function botbox.rollout_obstacle(p_account botbox.accounts, p_now timestamptz default now())
returns text
language sql
stable
set search_path = botbox, pg_temp
as $$
  select coalesce(
           case when p_account.status <> 'ACTIVE' then format('the account is %s', p_account.status) end,
           (select format('the breaker of %s is %s', k.exchange_id, k.state)
              from circuit_breakers k
             where k.exchange_id = p_account.exchange_id
               and k.state <> 'CLOSED'),
           (select format('entries are paused: %s', p.reason)
              from pauses p
             where p.id = pause_in_force(p_bot_id => null, p_account_id => p_account.id, p_exchange_id => p_account.exchange_id, p_now => p_now)),
           -- Whatever it is about: who has not looked at a CRITICAL alert yet does not want more bots.
           (select format('the CRITICAL alert %s is open for %s', l.code, l.subject)
              from alerts l
             where l.severity = 'CRITICAL'
               and l.resolved_at is null
             order by l.opened_at, l.id
             limit 1)
         );
$$;
comment on function botbox.rollout_obstacle is 'What stands against starting more bots of an account now, in words for people; null: nothing.';
