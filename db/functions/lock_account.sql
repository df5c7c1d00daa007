create function botbox.lock_account(p_account_id bigint)
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
begin
  perform from accounts where id = p_account_id for no key update;
  return found;
end
$$;
comment on function botbox.lock_account is 'Holds an account until the transaction ends, so that what was compared is what is changed; false if there is none.';
