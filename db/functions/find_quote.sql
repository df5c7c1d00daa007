create function botbox.find_quote(p_instrument_id bigint)
returns table (bid text, ask text, last text, mark text, quoted_at timestamptz)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select k.bid::text, k.ask::text, k.last::text, k.mark::text, k.quoted_at
    from tickers k
   where k.instrument_id = p_instrument_id;
$$;
comment on function botbox.find_quote is 'The newest stored prices of an instrument, as decimal text; whether they are young enough is the caller''s to say.';
