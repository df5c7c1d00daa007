create function botbox.monitor_checks(p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_holding jsonb;
begin
  -- Of the last minute only: 100,000 bots leave 100,000 rows in it.
  perform raise_alert(
    p_code => 'EVALUATION_KILLED', p_severity => 'WARNING', p_subject => 'strategy ' || x.strategy,
    p_message => format('%s checks of strategy %s were stopped at their time limit, the last of bot %s', x.checks, x.strategy, x.bot_id),
    p_details => jsonb_build_object('checks', x.checks, 'bot_id', x.bot_id), p_now => p_now
  )
    from (
           select s.name as strategy, count(*) as checks, max(c.bot_id) as bot_id
             from checks c
             join strategy_versions v on v.id = c.strategy_version_id
             join strategies s on s.id = v.strategy_id
            where c.recorded_at > p_now - interval '1 minute'
              and c.outcome = 'TIMED_OUT'
            group by s.name
         ) x;

  select coalesce(jsonb_agg(to_jsonb(h)), '[]')
    into v_holding
    from (
           select 'CHECK_LATENCY' as code, 'checks' as subject,
                  format('Of %s checks in a minute 5%% were recorded more than %s s after they were due', x.checks, round(x.late_seconds::numeric, 1)) as message,
                  jsonb_build_object('checks', x.checks, 'late_seconds_p95', x.late_seconds) as details
             from (
                    select count(*) as checks,
                           percentile_cont(0.95) within group (order by extract(epoch from c.recorded_at - c.due_at)) as late_seconds
                      from checks c
                      join bots b on b.id = c.bot_id
                     where c.recorded_at > p_now - interval '1 minute'
                       and c.recorded_at <= p_now
                       and c.kind = 'SCHEDULED'
                       -- A new bot is due at once, and waits for the first fetch of its market.
                       and b.created_at < p_now - interval '5 minutes'
                  ) x
            where x.late_seconds > alert_threshold('CHECK_LATENCY')
           union all
           select 'REJECTION_RATE', 'signals', format('%s of %s signals of the last hour were rejected', x.rejected, x.signals),
                  jsonb_build_object('rejected', x.rejected, 'signals', x.signals)
             from (
                    select count(*) filter (where s.status = 'REJECTED') as rejected, count(*) as signals
                      from signals s
                     where s.created_at > p_now - interval '1 hour'
                  ) x
            -- A few signals of an early hour are no rate.
            where x.signals >= 20
              and x.rejected > alert_threshold('REJECTION_RATE') * x.signals
           union all
           select 'STRATEGY_FAILING', 'strategy ' || x.strategy, format('%s of %s bots of strategy %s fail their checks', x.failing, x.bots, x.strategy),
                  jsonb_build_object('failing', x.failing, 'bots', x.bots)
             from (
                    select s.name as strategy, count(*) as bots,
                           count(*) filter (where b.consecutive_failures >= 2 or a.id is not null) as failing
                      from bots b
                      join strategy_versions v on v.id = b.strategy_version_id
                      join strategies s on s.id = v.strategy_id
                      -- One that failed five times is paused, under an alert that says so.
                      left join alerts a
                        on a.code = 'BOT_PAUSED' and a.resolved_at is null and a.subject = 'bot ' || b.id and a.details ? 'failures'
                     where b.status = 'ACTIVE' or a.id is not null
                     group by s.name
                  ) x
            where x.failing > alert_threshold('STRATEGY_FAILING') * x.bots
         ) h;

  return sync_alerts(p_codes => array['CHECK_LATENCY', 'REJECTION_RATE', 'STRATEGY_FAILING'], p_holding => v_holding, p_now => p_now);
end
$$;
comment on function botbox.monitor_checks is
  'Looks, once a minute, at the rules that read checks and signals, opens alerts for those that hold and resolves the others; answers how many hold.';
