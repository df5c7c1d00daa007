create function botbox.exit_quote(
  p_ticker botbox.tickers,
  p_direction botbox.direction,
  p_max_age_ms integer,
  p_now timestamptz
)
returns numeric
language sql
immutable parallel safe
begin atomic
  select case
    when p_ticker.quoted_at <= p_now - make_interval(secs => p_max_age_ms / 1000.0) then null
    when p_ticker.bid is null or p_ticker.ask is null then p_ticker.last
    -- A spread beyond 5% is not believed; crossed quotes are not stored.
    when p_ticker.ask > p_ticker.bid * 1.05 then null
    when p_direction = 'LONG' then p_ticker.bid
    else p_ticker.ask
  end;
end;
comment on function botbox.exit_quote is
  'What closing a position would get now: the bid when selling, the ask when buying back, the last price where there is neither; null where the quote is older than p_max_age_ms or cannot be true.';
