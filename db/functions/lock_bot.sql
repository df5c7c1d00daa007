create function botbox.lock_bot(p_bot_id bigint)
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
begin
  perform from bots where id = p_bot_id and status <> 'DELETED' for no key update;
  return found;
end
$$;
comment on function botbox.lock_bot is 'Holds a bot until the transaction ends, so that what was compared is what is changed; false if there is none.';
