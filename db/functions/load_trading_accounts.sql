create function botbox.load_trading_accounts(p_account_ids bigint[] default null)
returns table (
  account_id bigint,
  name text,
  exchange_id text,
  mode botbox.account_mode,
  settle_asset text,
  credentials bytea
)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select a.id, a.name, a.exchange_id, a.mode, a.settle_asset, a.credentials
    from accounts a
   where p_account_ids is null or a.id = any (p_account_ids)
   order by a.id;
$$;
comment on function botbox.load_trading_accounts is
  'Accounts with their encrypted credentials, for the venues that trade on them; all of them where no ids are given.';
