create function botbox.find_followed_accounts(p_live_accounts text[] default '{}')
returns table (
  account_id bigint,
  name text,
  exchange_id text,
  mode botbox.account_mode,
  fills_synced_to timestamptz,
  funding_synced_to timestamptz,
  reconciled_at timestamptz,
  has_stops_at_exchange boolean
)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select a.id, a.name, a.exchange_id, a.mode, a.fills_synced_to, a.funding_synced_to, a.reconciled_at,
         exists (
           select
             from positions p
            where p.account_id = a.id
              and p.status = 'OPEN'
              and p.protection = 'EXCHANGE'
         )
    from accounts a
   where a.mode = 'PAPER'
      or a.exchange_id = 'sim'
      or a.name = any (p_live_accounts)
   order by a.id;
$$;
comment on function botbox.find_followed_accounts is
  'Accounts whose books this process may compare with their venue, and whether the exchange guards positions of theirs.';
