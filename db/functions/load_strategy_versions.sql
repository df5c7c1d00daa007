create function botbox.load_strategy_versions(p_ids bigint[])
returns table (
  id bigint,
  strategy_name text,
  parameters jsonb,
  timeframe botbox.timeframe,
  history integer,
  further_windows jsonb,
  max_lots integer
)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select v.id, s.name, v.parameters, v.timeframe, v.history, v.further_windows, v.max_lots
    from strategy_versions v
    join strategies s on s.id = v.strategy_id
   where v.id = any (p_ids);
$$;
comment on function botbox.load_strategy_versions is 'Strategy versions by id; they never change, so that workers keep them.';
