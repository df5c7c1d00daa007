create function botbox.drop_chunk(p_chunk text)
returns boolean
language plpgsql
set search_path = botbox, pg_temp
as $$
begin
  -- Waiting for a long report would make every check wait behind us: what is in use now goes the next time.
  perform set_config('lock_timeout', '1s', true);
  execute format('drop table %s', p_chunk);
  return true;
exception
  when lock_not_available then
    return false;
end
$$;
comment on function botbox.drop_chunk is 'Drops one chunk of a hypertable, unless somebody uses it: then false, and nothing has changed.';
