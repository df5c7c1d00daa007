create function botbox.find_old_chunks(p_table text, p_before timestamptz)
returns table (chunk text, range_start timestamptz, range_end timestamptz)
language plpgsql
stable
set search_path = botbox, pg_temp
as $$
begin
  if to_regclass('timescaledb_information.chunks') is null then
    return;
  end if;
  return query execute '
    select format(''%I.%I'', c.chunk_schema, c.chunk_name), c.range_start, c.range_end
      from timescaledb_information.chunks c
     where c.hypertable_schema = ''botbox''
       and c.hypertable_name = $1
       and c.range_end <= $2
     order by c.range_start, 1'
    using p_table, p_before;
end
$$;
comment on function botbox.find_old_chunks is 'Chunks of a hypertable that end before a time, oldest first; none on plain PostgreSQL.';
