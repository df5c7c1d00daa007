-- migrate:up
-- As in the migration of the older views' comments: a column says what its table's column says, unless it has a line here.
create temporary table activity_comments (owner text, name text, meaning text, primary key (owner, name)) on commit drop;
insert into activity_comments (owner, name, meaning) values
  ('*', 'bot', 'Name of the bot.'),
  ('*', 'account', 'Name of the account.'),
  ('*', 'account_mode', 'PAPER or LIVE.'),
  ('*', 'symbol', 'ccxt''s unified symbol of the instrument.'),
  ('*', 'strategy', 'Name of the strategy.'),
  ('*', 'strategy_version', 'Number of its version.'),
  ('*', 'settle_asset', 'Currency of the money in this row.'),
  ('*', 'exchange_id', 'The exchange.'),
  ('*', 'bot_id', 'Key of the bot.'),
  ('*', 'account_id', 'Key of the account.'),
  ('*', 'position_id', 'Key of the position.'),
  ('*', 'order_id', 'Key of the order.'),
  ('*', 'trade_id', 'Key of the trade; null where the exchange made the order from a stop of ours.'),
  ('*', 'hour_at', 'Start of the hour.'),
  ('*', 'day_at', 'Start of the UTC day.'),
  ('*', 'net_pnl', 'Gross profit less fees plus funding, in the settlement asset.'),
  ('*', 'gross_pnl', 'Profit of the prices alone, before fees and funding, in the settlement asset.'),
  ('*', 'fees', 'Fees paid, in the settlement asset.'),
  ('*', 'funding', 'Funding received, paid where below zero, in the settlement asset.'),
  ('*', 'entry_notional', 'What was entered at the average entry price, in quote.'),
  ('*', 'opened_at', 'When the first entry was filled.'),
  ('*', 'closed_at', 'When the last exit was filled; null while it is open.'),
  ('*', 'direction', 'LONG or SHORT.'),
  ('check_minutes', 'minute_at', 'Start of the minute.'),
  ('check_minutes', 'due', 'Checks that were due in it.'),
  ('check_minutes', 'in_time', 'Those recorded within two minutes of being due.'),
  ('check_minutes', 'answered', 'Those that neither failed nor timed out.'),
  ('check_minutes', 'checks', 'Checks recorded in this minute, whenever they were due.'),
  ('check_minutes', 'manual', 'Those that a person asked for.'),
  ('check_minutes', 'no_signal', 'Those that decided nothing.'),
  ('check_minutes', 'queued', 'Those whose signal was queued.'),
  ('check_minutes', 'rejected', 'Those whose signal was rejected.'),
  ('check_minutes', 'repeated', 'Those whose signal had been queued before.'),
  ('check_minutes', 'stale_data', 'Those whose data was too old to decide on.'),
  ('check_minutes', 'insufficient_history', 'Those without enough candles.'),
  ('check_minutes', 'inactive', 'Those whose bot was no longer active.'),
  ('check_minutes', 'failed', 'Those that failed.'),
  ('check_minutes', 'timed_out', 'Those that ran out of time.'),
  ('check_minutes', 'dry_run', 'Those that were asked to decide nothing.'),
  ('check_minutes', 'duration_ms_total', 'Their durations together, in milliseconds.'),
  ('check_minutes', 'duration_ms_max', 'The longest of them, in milliseconds.'),
  ('check_minutes', 'late_ms_max', 'The longest time from due to recorded of a scheduled one, in milliseconds.'),
  ('uptime', 'minutes_due', 'Minutes of the hour in which at least one bot was due.'),
  ('uptime', 'minutes_covered', 'Those in which every due bot was checked within two minutes.'),
  ('uptime', 'uptime', 'Share of the minutes with a due bot in which every due bot was checked, 0 to 1: uptime of signal generation.'),
  ('uptime', 'checks_due', 'Checks that were due, of all bots.'),
  ('uptime', 'checks_in_time', 'Those recorded within two minutes of being due.'),
  ('uptime', 'checks_answered', 'Those that neither failed nor timed out.'),
  ('uptime', 'bot_uptime', 'Share of the due checks that were answered in time, 0 to 1: uptime of the bots.'),
  ('check_activity_hourly', 'checks', 'Checks recorded in the hour.'),
  ('check_activity_hourly', 'failure_rate', 'Share of them that failed or timed out, 0 to 1.'),
  ('check_activity_hourly', 'duration_ms_mean', 'Their mean duration, in milliseconds.'),
  ('signal_acceptance', 'signals', 'Signals of the day.'),
  ('signal_acceptance', 'accepted', 'Those that were queued.'),
  ('signal_acceptance', 'rejected', 'Those that were rejected.'),
  ('signal_acceptance', 'acceptance_rate', 'Share that was queued, 0 to 1.'),
  ('signal_acceptance', 'rejection_rate', 'Share that was rejected, 0 to 1.'),
  ('signal_acceptance', 'entries', 'Signals that ask to enter; the others close.'),
  ('signal_acceptance', 'entries_rejected', 'Those of the entries that were rejected.'),
  ('signal_capture', 'accepted', 'Signals queued on the day.'),
  ('signal_capture', 'executed', 'Those that were executed.'),
  ('signal_capture', 'waiting', 'Those that have not ended: they wait, are under way, or wait for a person.'),
  ('signal_capture', 'expired', 'Those that grew too old.'),
  ('signal_capture', 'cancelled', 'Those that were cancelled.'),
  ('signal_capture', 'failed', 'Those that failed.'),
  ('signal_capture', 'capture_rate', 'Share of those that have ended that was executed, 0 to 1; null while none has.'),
  ('queue_status', 'status', 'State of the trades.'),
  ('queue_status', 'trades', 'Trades in this state.'),
  ('queue_status', 'entries', 'Those that enter.'),
  ('queue_status', 'closes', 'Those that close.'),
  ('queue_status', 'reserved_capital', 'Capital that they hold back, in the settlement assets of their accounts.'),
  ('queue_status', 'oldest_queued_at', 'When the oldest of them was queued.'),
  ('queue_status', 'oldest_seconds', 'How long ago that is, in seconds.'),
  ('execution_latency', 'trades', 'Trades queued in the hour and acknowledged by the exchange.'),
  ('execution_latency', 'waited_ms_p50', 'Median from queueing to sending, in milliseconds.'),
  ('execution_latency', 'waited_ms_p95', '95th percentile of the same.'),
  ('execution_latency', 'answered_ms_p50', 'Median from sending to acknowledgement, in milliseconds.'),
  ('execution_latency', 'answered_ms_p95', '95th percentile of the same.'),
  ('execution_latency', 'total_ms_p50', 'Median from queueing to acknowledgement, in milliseconds.'),
  ('execution_latency', 'total_ms_p95', '95th percentile of the same.'),
  ('execution_latency', 'total_ms_max', 'Longest of the same.'),
  ('fill_quality', 'created_at', 'When the order was made.'),
  ('fill_quality', 'status', 'State of the order.'),
  ('fill_quality', 'filled_share', 'Filled quantity by the quantity asked for, 0 to 1.'),
  ('fill_quality', 'expected_price', 'Price of the signal, or of the stop; null where neither is known.'),
  ('fill_quality', 'average_price', 'Mean price of the fills.'),
  ('fill_quality', 'slippage_bps', 'How much worse than expected the fills were, in basis points; below zero where they were better.'),
  ('fill_quality', 'slippage', 'The same as money, in quote.'),
  ('fill_quality', 'notional', 'What was filled at the average price, in quote.'),
  ('fill_quality', 'fills', 'Fills of the order.'),
  ('fill_quality', 'acknowledged_after_ms', 'From sending to acknowledgement, in milliseconds; null where the exchange made the order.'),
  ('round_trips', 'held_seconds', 'From the first entry to the last exit, in seconds.'),
  ('round_trips', 'quantity', 'What was entered.'),
  ('round_trips', 'entry_price', 'Average price of the entries.'),
  ('round_trips', 'exit_price', 'Average price of the exits; null where all was dust.'),
  ('round_trips', 'net_return', 'Net profit by what was entered, 0.01 for one percent.'),
  ('round_trips', 'is_won', 'Whether the net profit is above zero.'),
  ('round_trips', 'exit_reason', 'Why the last trade closed it; null where the exchange did, by a stop.'),
  ('economics', 'status', 'OPEN or CLOSED.'),
  ('economics', 'slippage', 'Money lost to fills worse than decided on, gained where below zero, in quote; gross profit is after it.'),
  ('economics', 'gross_bps', 'Gross profit in basis points of the entries.'),
  ('economics', 'fees_bps', 'Fees in basis points of the entries.'),
  ('economics', 'funding_bps', 'Funding in basis points of the entries.'),
  ('economics', 'slippage_bps', 'Slippage in basis points of the entries.'),
  ('economics', 'net_bps', 'Net profit in basis points of the entries.'),
  ('exchange_usage', 'scope_key', 'Whose limit: the address for IP, the account for ACCOUNT.'),
  ('exchange_usage', 'window_seconds', 'Window of the limit, in seconds.'),
  ('exchange_usage', 'used_share', 'Share of the published limit in use, 0 to 1.'),
  ('exchange_usage', 'granted', 'Weight granted since ever.'),
  ('exchange_usage', 'denied', 'Calls denied since ever.'),
  ('exchange_usage', 'denied_share', 'Denials among both, 0 to 1; null before the first call.');

create temporary table activity_tables (view_name text primary key, table_name text) on commit drop;
insert into activity_tables (view_name, table_name) values
  ('check_activity_hourly', 'check_minutes'), ('fill_quality', 'orders'), ('exchange_usage', 'rate_limits'), ('round_trips', 'positions'),
  ('economics', 'positions');

do $$
declare
  v_column record;
begin
  for v_column in
    select c.oid::regclass as relation, a.attname, coalesce(own.meaning, shared.meaning, theirs.meaning, col_description(t.oid, o.attnum)) as meaning
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      left join activity_comments own on own.owner = c.relname and own.name = a.attname
      left join activity_comments shared on shared.owner = '*' and shared.name = a.attname
      left join activity_tables v on v.view_name = c.relname
      left join activity_comments theirs on theirs.owner = v.table_name and theirs.name = a.attname
      left join pg_class t on t.relnamespace = 'botbox'::regnamespace and t.relname = v.table_name
      left join pg_attribute o on o.attrelid = t.oid and o.attname = a.attname
     where c.oid in (
             'botbox.check_minutes'::regclass, 'reporting.uptime'::regclass, 'reporting.check_activity_hourly'::regclass,
             'reporting.signal_acceptance'::regclass, 'reporting.signal_capture'::regclass, 'reporting.queue_status'::regclass,
             'reporting.execution_latency'::regclass, 'reporting.fill_quality'::regclass, 'reporting.round_trips'::regclass,
             'reporting.economics'::regclass, 'reporting.exchange_usage'::regclass
           )
  loop
    execute format('comment on column %s.%I is %L', v_column.relation, v_column.attname, v_column.meaning);
  end loop;
end
$$;
drop table activity_comments, activity_tables;

-- migrate:down
-- Comments go with what they are on.
select 1;
