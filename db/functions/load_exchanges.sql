create function botbox.load_exchanges()
returns table (exchange_id text, ccxt_id text, base_url text, sandbox boolean)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select e.id, e.ccxt_id, e.base_url, e.sandbox
    from exchanges e
   order by e.id;
$$;
comment on function botbox.load_exchanges is 'Every exchange with what a client of it needs to know.';
