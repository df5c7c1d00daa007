create function botbox.is_hypertable(p_table text)
returns boolean
language plpgsql
stable
set search_path = botbox, pg_temp
as $$
declare
  v_found boolean := false;
begin
  if to_regclass('timescaledb_information.hypertables') is not null then
    execute 'select exists (select from timescaledb_information.hypertables where hypertable_schema = ''botbox'' and hypertable_name = $1)'
      into v_found
      using p_table;
  end if;
  return v_found;
end
$$;
comment on function botbox.is_hypertable is 'Whether a table of botbox is a hypertable of TimescaleDB.';
