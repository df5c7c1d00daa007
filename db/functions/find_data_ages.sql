create function botbox.find_data_ages(p_instrument_ids bigint[])
returns table (instrument_id bigint, fetched_at timestamptz, revision bigint, history_revision bigint)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select f.instrument_id, f.fetched_at, f.revision, f.history_revision
    from feeds f
   where f.instrument_id = any (p_instrument_ids);
$$;
comment on function botbox.find_data_ages is 'When each feed last fetched successfully, by the exchange''s time, and the revisions of its candles.';
