create function botbox.summarise_day(p_now timestamptz default now())
returns bigint
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_to timestamptz := date_trunc('day', p_now, 'UTC');
  v_from timestamptz := v_to - interval '1 day';
  v_subject text := to_char(v_from at time zone 'UTC', 'YYYY-MM-DD');
  v_strategies jsonb;
  v_reasons jsonb;
  v_message text;
begin
  -- Told once a day, whether or not it was resolved since; nothing of a day before the first bot.
  if exists (select from alerts a where a.code = 'DAILY_SUMMARY' and a.subject = v_subject)
    or not exists (select from bots b where b.created_at < v_to) then
    return null;
  end if;

  select jsonb_agg(to_jsonb(x) order by x.signals desc, x.strategy)
    into v_strategies
    from (
           select t.name as strategy, count(*) as signals, count(*) filter (where s.status = 'QUEUED') as accepted
             from signals s
             join strategy_versions v on v.id = s.strategy_version_id
             join strategies t on t.id = v.strategy_id
            where s.created_at >= v_from
              and s.created_at < v_to
            group by t.name
         ) x;
  select jsonb_agg(to_jsonb(x) order by x.signals desc, x.reason_code)
    into v_reasons
    from (
           select s.reason_code, count(*) as signals
             from signals s
            where s.created_at >= v_from
              and s.created_at < v_to
              and s.status = 'REJECTED'
            group by s.reason_code
            order by count(*) desc, s.reason_code
            limit 5
         ) x;
  v_message := format(
    '%s: %s. %s',
    v_subject,
    coalesce(
      (select string_agg(format('%s %s signals, %s accepted', x ->> 'strategy', x ->> 'signals', x ->> 'accepted'), '; ') from jsonb_array_elements(v_strategies) x),
      'no signals'
    ),
    coalesce(
      'Rejected most: ' || (select string_agg(format('%s %s', x ->> 'reason_code', x ->> 'signals'), ', ') from jsonb_array_elements(v_reasons) x) || '.',
      'None was rejected.'
    )
  );
  -- The day before yesterday's has been read or not; either way it is over.
  update alerts set resolved_at = p_now where code = 'DAILY_SUMMARY' and resolved_at is null;
  return raise_alert(
    p_code => 'DAILY_SUMMARY', p_severity => 'INFO', p_subject => v_subject, p_message => v_message,
    p_details => jsonb_build_object('strategies', coalesce(v_strategies, '[]'), 'rejections', coalesce(v_reasons, '[]')), p_now => p_now
  );
end
$$;
comment on function botbox.summarise_day is
  'Raises the INFO alert about yesterday (UTC) once: signals of each strategy, the commonest reasons for rejection. Answers its number; null: told before, or nothing to tell.';
