create function botbox.set_bots_status(
  p_bot_ids bigint[],
  p_status botbox.bot_status,
  p_reason text default null,
  p_actor text default 'system',
  p_now timestamptz default now()
)
returns table (bot_id bigint, status botbox.bot_status, is_changed boolean)
language plpgsql
set search_path = botbox, pg_temp
as $$
#variable_conflict use_column
begin
  -- All of them in the order of their numbers, as every other function locks bots, and before set_bot_status locks an account.
  perform from bots b where b.id = any (p_bot_ids) order by b.id for no key update;
  for bot_id, status in
    select b.id, b.status
      from bots b
     where b.id = any (p_bot_ids)
       and b.status <> 'DELETED'
     order by b.id
       for no key update
  loop
    is_changed := status <> p_status;
    status := set_bot_status(p_bot_id => bot_id, p_status => p_status, p_reason => p_reason, p_actor => p_actor, p_now => p_now);
    return next;
  end loop;
end
$$;
comment on function botbox.set_bots_status is
  'Moves several bots to a status, all or none, and answers each with whether it moved; those that do not exist or are deleted are left out.';
