create function botbox.find_signal_basis(p_signal_id bigint)
returns table (
  bot_id bigint,
  strategy_name text,
  strategy_version_id bigint,
  parameters jsonb,
  timeframe botbox.timeframe,
  history integer,
  further_windows jsonb,
  instrument_id bigint,
  further_instrument_ids bigint[],
  candle_at timestamptz,
  decided_at timestamptz,
  score double precision,
  factors jsonb,
  position_direction botbox.direction,
  position_quantity numeric,
  position_entry_price numeric,
  position_lots integer,
  position_opened_at timestamptz
)
language sql
stable
set search_path = botbox, pg_temp
as $$
  select s.bot_id, t.name, v.id, v.parameters, v.timeframe, v.history, v.further_windows, b.instrument_id,
         (select array_agg(l.instrument_id order by l.leg) from bot_legs l where l.bot_id = b.id),
         coalesce(c.candle_at, s.candle_at), s.decided_at, s.score, s.factors,
         p.direction, p.quantity, p.average_entry_price, p.lots, p.opened_at
    from signals s
    join bots b on b.id = s.bot_id
    join strategy_versions v on v.id = s.strategy_version_id
    join strategies t on t.id = v.strategy_id
    -- A close that was refused before keeps the candle of its first time; the check that decided it last says which one counted.
    left join lateral (
           select k.candle_at
             from checks k
            where k.bot_id = s.bot_id
              and k.recorded_at = s.decided_at
              and k.due_at > s.decided_at - interval '2 days'
              and k.decision <> 'NONE'
            limit 1
         ) c on true
    left join lateral (
           select x.*
             from positions x
            where x.bot_id = s.bot_id
              and x.instrument_id = b.instrument_id
              and x.opened_at <= s.decided_at
              and (x.closed_at is null or x.closed_at > s.decided_at)
            order by x.id desc
            limit 1
         ) p on true
   where s.id = p_signal_id;
$$;
comment on function botbox.find_signal_basis is
  'What a signal was decided from, for evaluating it again: version, markets, candle, moment, what was recorded, and the position held then (its quantity and lots as they are now).';
