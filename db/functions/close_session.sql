create function botbox.close_session(p_session_hash bytea, p_actor text default 'system', p_now timestamptz default now())
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_id bigint;
begin
  update sessions set ended_at = p_now where session_hash = p_session_hash and ended_at is null returning id into v_id;
  if v_id is null then
    return false;
  end if;
  perform record_audit(p_actor => p_actor, p_action => 'session.close', p_subject => 'session ' || v_id, p_now => p_now);
  perform pg_notify('botbox_events', 'access');
  return true;
end
$$;
comment on function botbox.close_session is 'Ends a browser''s session at once; false if there is none.';
