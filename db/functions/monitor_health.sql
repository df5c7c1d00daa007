create function botbox.monitor_health(p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_holding jsonb;
begin
  select coalesce(jsonb_agg(to_jsonb(h)), '[]')
    into v_holding
    from (
           select 'NO_TICK' as code, 'scheduler' as subject,
                  format('No tick since %s', to_char(x.tick_at at time zone 'UTC', 'HH24:MI "UTC"')) as message,
                  jsonb_build_object('last_tick_at', x.tick_at) as details
             from (select max(tick_at) as tick_at from ticks) x
            where x.tick_at < p_now - make_interval(secs => alert_threshold('NO_TICK')::double precision)
           union all
           select 'QUEUE_DEPTH', 'trade_queue', format('%s trades wait in the queue', x.waiting), jsonb_build_object('waiting', x.waiting)
             from (select count(*) as waiting from trade_queue where status = 'PENDING') x
            where x.waiting > alert_threshold('QUEUE_DEPTH')
           union all
           select 'DATA_LAG', i.exchange_id || ' ' || i.symbol,
                  format('Market data of %s is %s old', i.symbol, date_trunc('second', p_now - coalesce(f.fetched_at, f.created_at))),
                  jsonb_build_object('fetched_at', f.fetched_at)
             from feeds f
             join instruments i on i.id = f.instrument_id
            where coalesce(f.fetched_at, f.created_at) < p_now - make_interval(secs => alert_threshold('DATA_LAG')::double precision)
              and (
                exists (select from bots b where b.instrument_id = f.instrument_id and b.status = 'ACTIVE')
                or exists (select from bot_legs g join bots b on b.id = g.bot_id where g.instrument_id = f.instrument_id and b.status = 'ACTIVE')
              )
           union all
           -- A lost worker is news for an hour.
           select 'WORKER_LOST', w.id, format('Worker %s on %s was last heard at %s', w.id, w.host, to_char(w.heartbeat_at at time zone 'UTC', 'HH24:MI:SS "UTC"')),
                  jsonb_build_object('host', w.host, 'roles', w.roles)
             from workers w
            where w.stopped_at is null
              and w.heartbeat_at < p_now - make_interval(secs => alert_threshold('WORKER_LOST')::double precision)
              and w.heartbeat_at > p_now - interval '1 hour'
           union all
           select 'TRADE_FAILURES', 'execution', format('%s of %s trades of the last hour failed', x.failed, x.finished),
                  jsonb_build_object('failed', x.failed, 'finished', x.finished)
             from (
                    select count(*) filter (where t.status = 'FAILED') as failed, count(*) as finished
                      from trade_queue t
                     where t.finished_at > p_now - interval '1 hour'
                       -- For the index: the queue is kept for ever, and what waited longer than that has an alert of its own.
                       and t.queued_at > p_now - interval '3 hours'
                  ) x
            -- One failure of three is a share, but no rate.
            where x.failed > alert_threshold('TRADE_FAILURES') * greatest(x.finished, 10)
           union all
           -- One alert a market: were the guard away, each of ten thousand positions would have its own.
           select 'POSITION_UNPROTECTED', i.exchange_id || ' ' || i.symbol,
                  format('%s positions in %s have stops that nobody can watch: the last price is of %s', count(*), i.symbol,
                         coalesce(to_char(max(k.quoted_at) at time zone 'UTC', 'HH24:MI:SS "UTC"'), 'never')),
                  jsonb_build_object('positions', count(*), 'quoted_at', max(k.quoted_at))
             from positions p
             join instruments i on i.id = p.instrument_id
             left join tickers k on k.instrument_id = p.instrument_id
            where p.status = 'OPEN'
              and (p.trailing_stop_fraction is not null or p.protection = 'GUARD' and (p.stop_loss_price is not null or p.take_profit_price is not null))
              -- A position is newer than the first price that somebody fetches for it.
              and greatest(coalesce(k.quoted_at, p.opened_at), p.opened_at) < p_now - make_interval(secs => alert_threshold('POSITION_UNPROTECTED')::double precision)
            group by i.exchange_id, i.symbol
           union all
           -- Of the present minute and the one before; where nobody asks any more, nobody is denied.
           select 'LIMITER_DENIALS', x.subject, format('The limiter of %s denied %s of %s requests of the last minutes', x.subject, x.denied, x.denied + x.granted),
                  jsonb_build_object('denied', x.denied, 'granted', x.granted)
             from (
                    select concat_ws(' ', r.exchange_id, r.scope, r.bucket) as subject,
                           sum(r.minute_denied + r.last_denied) as denied, sum(r.minute_granted + r.last_granted) as granted
                      from rate_limits r
                     where r.minute_at > p_now - interval '2 minutes'
                     group by r.exchange_id, r.scope, r.bucket
                  ) x
            -- A few of a quiet minute are no share.
            where x.denied > alert_threshold('LIMITER_DENIALS') * greatest(x.granted + x.denied, 20)
           union all
           -- One alert a trade, since each is told of once: five minutes are short.
           select 'APPROVAL_NEEDED', 'trade ' || t.id,
                  format('Bot %s (%s) wants to go %s %s %s at about %s: approve or reject trade %s until %s', b.name, b.id, t.direction, t.quantity, i.symbol,
                         t.price, t.id, to_char(t.expires_at at time zone 'UTC', 'HH24:MI:SS "UTC"')),
                  jsonb_build_object('trade_id', t.id, 'bot_id', b.id, 'expires_at', t.expires_at)
             from trade_approvals p
             join trade_queue t on t.id = p.trade_id
             join bots b on b.id = t.bot_id
             join instruments i on i.id = t.instrument_id
            where p.decision is null
              and p.requested_at > p_now - interval '10 minutes'
              and t.status = 'PENDING'
              and t.expires_at > p_now
         ) h;
  -- Use that no header tells of is counted from our own grants.
  perform raise_alert(
    p_code => 'LIMIT_HIGH_USE',
    p_severity => 'WARNING',
    p_subject => u.subject,
    p_message => format('%s of %s of the published limit of %s granted within one window', u.used, u.published, u.subject),
    p_details => jsonb_build_object('used', u.used, 'published_limit', u.published),
    p_now => p_now
  )
    from (
           select concat_ws(' ', r.exchange_id, r.scope, r.bucket) as subject, max(greatest(r.minute_used, r.last_used)) as used, max(r.published_limit) as published
             from rate_limits r
            where r.minute_at > p_now - interval '2 minutes'
              and greatest(r.minute_used, r.last_used) > alert_threshold('LIMIT_HIGH_USE') * r.published_limit
            group by r.exchange_id, r.scope, r.bucket
         ) u;
  perform resolve_passed_alerts(p_now => p_now);
  return sync_alerts(
    p_codes => array['NO_TICK', 'QUEUE_DEPTH', 'DATA_LAG', 'WORKER_LOST', 'TRADE_FAILURES', 'POSITION_UNPROTECTED', 'LIMITER_DENIALS', 'APPROVAL_NEEDED'],
    p_holding => v_holding, p_now => p_now
  );
end
$$;
comment on function botbox.monitor_health is
  'Looks, every 10 s, at the rules that read little, opens alerts for those that hold and resolves the others; answers how many hold.';
