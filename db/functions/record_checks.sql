create function botbox.record_checks(p_checks jsonb, p_worker_id text, p_now timestamptz default now())
returns table (
  bot_id bigint,
  due_at timestamptz,
  kind botbox.check_kind,
  outcome botbox.check_outcome,
  reason_code text,
  signal_id bigint,
  trade_id uuid
)
language plpgsql
set search_path = botbox, pg_temp
as $$
#variable_conflict use_column
declare
  v_checks check_input[];
  v_check check_input;
  v_bot bots;
  v_signal signal_input;
  v_decision decision;
  v_decisions jsonb := '{}';
  v_inactive bigint[];
begin
  select array_agg(row(c.*)::check_input)
    into v_checks
    from (
      select distinct on (g.bot_id, g.due_at, g.kind) g.*
        from jsonb_populate_recordset(null::check_input, p_checks) g
       order by g.bot_id, g.due_at, g.kind
    ) c;

  if v_checks is null then
    return;
  end if;

  -- A batch that queues nothing repeats itself if its last moment is lost: it need not wait for the disk.
  if not exists (select from unnest(v_checks) c where c.decision <> 'NONE') then
    perform set_config('synchronous_commit', 'off', true);
  end if;

  -- Only a check whose claim is still this worker's counts: a lapsed one has been, or will be, repeated by another.
  -- No key update: orders and fills that are written meanwhile refer to the bot, and would wait here while we wait for their account.
  with held as (
    select b.id, c.due_at, c.kind, c.failure, coalesce(c.dry_run, false) as is_dry_run, c.regime_volatility, b.interval_minutes as from_minutes,
           -- Adaptive intervals follow the volatility that a scheduled check saw, unless what it saw was stale.
           case
             when b.adaptive_base_minutes is not null and b.status = 'ACTIVE' and c.kind = 'SCHEDULED'
              and c.regime_volatility is not null and c.failure is distinct from 'STALE_DATA'
               then adaptive_interval(b.adaptive_base_minutes, c.regime_volatility)
             else b.interval_minutes
           end as to_minutes
      from bots b
      join unnest(v_checks) c on c.bot_id = b.id
     where b.claimed_by = p_worker_id
       and (c.kind = 'MANUAL' or b.status <> 'ACTIVE' or b.next_check_at = c.due_at)
     order by b.id
       for no key update of b
  ),
  moved as (
    update bots b
       set claimed_by = null,
           claimed_until = null,
           last_check_at = p_now,
           interval_minutes = h.to_minutes,
           next_check_at = case
             when b.status = 'ACTIVE' and h.kind = 'SCHEDULED'
               then next_grid_point(greatest(p_now, h.due_at), h.to_minutes)
             else b.next_check_at
           end,
           consecutive_failures = case
             when h.is_dry_run then b.consecutive_failures
             when h.failure in ('FAILED', 'TIMED_OUT') then b.consecutive_failures + 1
             else 0
           end
      from held h
     where b.id = h.id
    returning b.id, b.status, h.due_at, h.kind
  ),
  adapted as (
    insert into interval_changes (bot_id, changed_at, from_minutes, to_minutes, regime_volatility)
    select h.id, p_now, h.from_minutes, h.to_minutes, h.regime_volatility
      from held h
     where h.to_minutes <> h.from_minutes
    on conflict do nothing
  )
  select array_agg(c), coalesce(array_agg(m.id) filter (where m.status <> 'ACTIVE'), '{}')
    into v_checks, v_inactive
    from moved m
    join unnest(v_checks) c on (c.bot_id, c.due_at, c.kind) = (m.id, m.due_at, m.kind);

  if v_checks is null then
    return;
  end if;

  -- Accounts in id order, then their signals one after the other: each accepted one changes what the next may take.
  perform 1
     from accounts a
    where a.id in (
            select b.account_id
              from unnest(v_checks) c
              join bots b on b.id = c.bot_id
             where c.decision <> 'NONE'
               and not coalesce(c.dry_run, false)
          )
    order by a.id
      for no key update;

  -- A bot that was paused, stopped or deleted during its check queues nothing.
  for v_check in
    select c.*
      from unnest(v_checks) c
     where c.decision <> 'NONE'
       and c.bot_id <> all (v_inactive)
       and not coalesce(c.dry_run, false)
     order by c.decision <> 'CLOSE', c.due_at, c.bot_id
  loop
    select * into v_bot from bots where id = v_check.bot_id;
    v_signal := row(
      v_check.bot_id, v_bot.instrument_id, v_check.decision, v_check.reason_code, v_check.candle_at, v_check.price, null,
      v_check.score, v_check.factors, v_check.regime_direction, v_check.regime_volatility, v_check.data_age_ms,
      v_check.stop_loss_fraction, v_check.take_profit_fraction, v_check.strategy_version_id, v_check.lots,
      v_check.trailing_stop_fraction, v_check.atr, null
    )::signal_input;
    v_decision := case
      -- So many lots more or fewer were meant of the position that the check saw. If a trade that was under way then has ended since,
      -- they would be bought or sold twice: the next check sees the position as it is.
      when (v_check.decision <> 'CLOSE' or v_check.lots is not null)
        and (select v.max_lots from strategy_versions v where v.id = v_check.strategy_version_id) > 1
        and v_check.position_lots <> coalesce((
              select p.lots
                from positions p
               where p.bot_id = v_bot.id
                 and p.instrument_id = v_bot.instrument_id
                 and p.status = 'OPEN'
            ), 0)
        then row('NO_SIGNAL', 'TRADE_PENDING', null, null)::decision
      when exists (select from bot_legs l where l.bot_id = v_bot.id)
        then decide_pair(p_signal => v_signal, p_legs => v_check.legs, p_now => p_now)
      else decide_signal(p_signal => v_signal, p_now => p_now)
    end;
    v_decisions := v_decisions || jsonb_build_object(v_check.bot_id::text, to_jsonb(v_decision));
  end loop;

  -- After the decisions, since batches of two workers meet here at every new candle: whoever is second waits until the first commits.
  -- What is known already is not touched at all, because even an insert that changes nothing locks the row that it meets.
  insert into regimes (instrument_id, timeframe, candle_at, direction, volatility, figures)
  with seen as materialized (
    select distinct on (b.instrument_id, c.timeframe, c.candle_at)
           b.instrument_id, c.timeframe, c.candle_at, c.regime_direction, c.regime_volatility, c.regime_figures
      from unnest(v_checks) c
      join bots b on b.id = c.bot_id
     where c.regime_direction is not null
       and c.candle_at is not null
     -- One check of a market in a batch carries the figures for all.
     order by b.instrument_id, c.timeframe, c.candle_at, c.regime_figures is null
  )
  select s.instrument_id, s.timeframe, s.candle_at, s.regime_direction, s.regime_volatility, coalesce(s.regime_figures, '{}')
    from seen s
   where not exists (
           select from regimes r
            where r.instrument_id = s.instrument_id
              and r.timeframe = s.timeframe
              and r.candle_at = s.candle_at
              and (r.figures <> '{}' or s.regime_figures is null)
         )
   order by s.instrument_id, s.timeframe, s.candle_at
  on conflict (instrument_id, timeframe, candle_at) do update
     set figures = excluded.figures
   where regimes.figures = '{}'
     and excluded.figures <> '{}';

  -- Whoever failed five times in a row will fail again: paused until somebody has looked, rather than failing for ever unseen.
  perform pause_failing_bot(p_bot_id => c.bot_id, p_error => c.error, p_now => p_now)
     from unnest(v_checks) c
    where c.failure in ('FAILED', 'TIMED_OUT');

  return query
  with decided as (
    select c.*,
           c.bot_id = any (v_inactive) and (c.kind = 'SCHEDULED' or c.decision <> 'NONE') as is_inactive,
           jsonb_populate_record(null::decision, v_decisions -> c.bot_id::text) as decision_row
      from unnest(v_checks) c
  ),
  recorded as (
    insert into checks (
      bot_id, due_at, kind, strategy_version_id, worker_id, started_at, recorded_at, duration_ms, candle_at, data_age_ms,
      price, score, factors, regime_direction, regime_volatility, decision, outcome, reason_code, signal_id, trade_id, is_repeated, error
    )
    select d.bot_id, d.due_at, d.kind, d.strategy_version_id, p_worker_id, d.started_at, p_now, d.duration_ms, d.candle_at, d.data_age_ms,
           d.price, d.score, d.factors, d.regime_direction, d.regime_volatility, d.decision,
           case
             when d.failure is not null then d.failure
             when d.dry_run then 'DRY_RUN'
             when (d.decision_row).outcome is not null then (d.decision_row).outcome
             when d.is_inactive then 'INACTIVE'
             else 'NO_SIGNAL'
           end,
           case
             when d.failure is null and not coalesce(d.dry_run, false) and (d.decision_row).outcome is null and d.is_inactive
               then 'BOT_NOT_ACTIVE'
             else coalesce((d.decision_row).reason_code, d.reason_code)
           end,
           (d.decision_row).signal_id,
           (d.decision_row).trade_id,
           coalesce(d.is_repeated, false),
           d.error
      from decided d
    on conflict do nothing
    returning checks.bot_id, checks.due_at, checks.kind, checks.outcome, checks.reason_code, checks.signal_id, checks.trade_id
  ),
  told as (
    select r.bot_id,
           pg_notify('botbox_manual_checks', r.bot_id || ' ' || extract(epoch from r.due_at)::text)
      from recorded r
     where r.kind = 'MANUAL'
  ),
  -- One event and one notification for the whole batch, however many bots there are.
  event as (
    insert into events (topic, keys, at)
    select 'checks', array_agg(r.bot_id::text), p_now from recorded r having count(*) > 0
  )
  select r.bot_id, r.due_at, r.kind, r.outcome, r.reason_code, r.signal_id, r.trade_id
    from recorded r
    left join told t on t.bot_id = r.bot_id;
end
$$;
comment on function botbox.record_checks is
  'Records a batch of evaluated checks in one transaction: moves schedules on (and intervals that adapt), decides every signal, writes one check row each. Checks whose claim was lost are left out of the answer.';
