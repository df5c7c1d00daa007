create function botbox.prune_signals(
  p_life interval default interval '365 days',
  p_limit integer default 20000,
  p_now timestamptz default now()
)
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_chunk record;
  v_newest timestamptz;
  v_rows integer;
begin
  if is_hypertable(p_table => 'signals') then
    -- One worker at a time: the chunk that another one looks at would vanish under it.
    if not pg_try_advisory_xact_lock(hashtextextended('botbox.prune_signals', 0)) then
      return 0;
    end if;
    for v_chunk in
      select c.chunk from find_old_chunks(p_table => 'signals', p_before => p_now - p_life) c
    loop
      execute format('select max(decided_at), count(*)::integer from %s', v_chunk.chunk) into v_newest, v_rows;
      continue when v_newest >= p_now - p_life;
      if drop_chunk(p_chunk => v_chunk.chunk) then
        return v_rows;
      end if;
    end loop;
    return 0;
  end if;

  delete from signals s
   using (
     select x.id, x.candle_at
       from signals x
      where x.created_at < p_now - p_life
        and x.decided_at < p_now - p_life
      order by x.created_at
      limit p_limit
   ) old
   where s.id = old.id
     and s.candle_at = old.candle_at;
  get diagnostics v_rows = row_count;
  return v_rows;
end
$$;
comment on function botbox.prune_signals is
  'Signals past their life go: on TimescaleDB one whole chunk, elsewhere up to p_limit rows; trades keep what they need of theirs. Answers how many went.';
