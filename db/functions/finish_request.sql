create function botbox.finish_request(
  p_actor text,
  p_idempotency_key text,
  p_status integer,
  p_location text default null,
  p_body text default null,
  p_now timestamptz default now()
)
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
begin
  if p_status >= 500 then
    -- Nothing was changed: the same key may be tried again.
    delete from idempotent_requests where actor = p_actor and idempotency_key = p_idempotency_key and finished_at is null;
    return found;
  end if;
  update idempotent_requests
     set status = p_status, location = p_location, body = p_body, finished_at = p_now
   where actor = p_actor and idempotency_key = p_idempotency_key and finished_at is null;
  return found;
end
$$;
comment on function botbox.finish_request is
  'Keeps the answer to a request under its Idempotency-Key; a failure of ours is not kept, so that the key may be tried again. False if it was answered before.';
