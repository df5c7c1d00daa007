create function botbox.set_exchange_address(p_exchange_id text, p_base_url text)
returns boolean
language sql
set search_path = botbox, pg_temp
as $$
  with changed as (
    update exchanges
       set base_url = p_base_url
     where id = p_exchange_id
       and base_url is distinct from p_base_url
    returning 1
  )
  select exists (select from changed);
$$;
comment on function botbox.set_exchange_address is 'Points an exchange at an address of its own, as up does for the simulated one; true if it changed.';
