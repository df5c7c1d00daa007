create function botbox.release_minutes(p_instrument_id bigint, p_actor text default 'system', p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_rows integer;
begin
  delete from candle_coverage h
   where h.instrument_id = p_instrument_id
     and h.timeframe = '1m'
     and h.source in ('BACKFILL', 'IMPORT');
  get diagnostics v_rows = row_count;
  if v_rows > 0 then
    perform record_audit(p_actor => p_actor, p_action => 'candles.forget', p_subject => 'instrument ' || p_instrument_id, p_now => p_now);
  end if;
  return v_rows;
end
$$;
comment on function botbox.release_minutes is
  'Backfilled and imported minutes of an instrument live no longer than others from now on: prune_minutes takes those past their life. Answers how many kinds were kept.';
