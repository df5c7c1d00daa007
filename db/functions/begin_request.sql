create function botbox.begin_request(
  p_actor text,
  p_idempotency_key text,
  p_request_hash bytea,
  p_now timestamptz default now()
)
returns table (state text, status integer, location text, body text)
language plpgsql
set search_path = botbox, pg_temp
as $$
#variable_conflict use_column
declare
  v_found idempotent_requests;
begin
  insert into idempotent_requests (actor, idempotency_key, request_hash, started_at)
  values (p_actor, p_idempotency_key, p_request_hash, p_now)
  on conflict do nothing;
  if found then
    return query select 'NEW', null::integer, null::text, null::text;
    return;
  end if;
  select * into v_found from idempotent_requests r where r.actor = p_actor and r.idempotency_key = p_idempotency_key;
  return query
  select case
           when v_found.request_hash is distinct from p_request_hash then 'OTHER'
           when v_found.finished_at is null then 'UNDER_WAY'
           else 'FINISHED'
         end,
         v_found.status, v_found.location, v_found.body;
end
$$;
comment on function botbox.begin_request is
  'Takes an Idempotency-Key: NEW for the first, FINISHED with the answer for a repetition, UNDER_WAY while there is none, OTHER where the key was used for another request.';
