create function botbox.record_strategy_version(
  p_strategy_id text,
  p_parameters jsonb,
  p_timeframe botbox.timeframe,
  p_history integer,
  p_favourable_regimes text[],
  p_max_lots integer default 1,
  p_further_windows jsonb default '[]',
  p_legs integer default 1,
  p_now timestamptz default now()
)
returns bigint
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_id bigint;
begin
  perform from strategies where id = p_strategy_id for update;
  select id into v_id from strategy_versions where strategy_id = p_strategy_id and parameters = p_parameters;
  if v_id is not null then
    return v_id;
  end if;
  insert into strategy_versions (strategy_id, version, parameters, timeframe, history, favourable_regimes, max_lots, further_windows, legs, created_at)
  select p_strategy_id, coalesce(max(v.version), 0) + 1, p_parameters, p_timeframe, p_history, p_favourable_regimes::regime_direction[], p_max_lots,
         p_further_windows, p_legs, p_now
    from strategy_versions v
   where v.strategy_id = p_strategy_id
  returning id into strict v_id;
  return v_id;
end
$$;
comment on function botbox.record_strategy_version is
  'The version of a strategy with exactly these parameters: the existing one, or the next number.';
