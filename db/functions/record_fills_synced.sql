create function botbox.record_fills_synced(p_account_id bigint, p_synced_to timestamptz)
returns void
language sql
set search_path = botbox, pg_temp
as $$
  update accounts
     set fills_synced_to = greatest(fills_synced_to, p_synced_to)
   where id = p_account_id;
$$;
comment on function botbox.record_fills_synced is 'Notes the exchange''s time up to which all fills of an account have been booked.';
