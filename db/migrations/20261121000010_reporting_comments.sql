-- migrate:up
-- A column of a view says what the column of its table says, unless it has a line here; '*' stands for every view.
create temporary table view_tables (view_name text primary key, table_name text) on commit drop;
insert into view_tables (view_name, table_name) values
  ('accounts', 'accounts'), ('alerts', 'alerts'), ('api_tokens', 'api_tokens'), ('bot_pnl', 'positions'), ('bot_status', 'bots'),
  ('candles', 'candles'), ('checks', 'checks'), ('data_freshness', 'feeds'), ('exchange_health', 'circuit_breakers'),
  ('instruments', 'instruments'), ('orders', 'orders'), ('pauses', 'pauses'), ('positions', 'positions'), ('signals', 'signals'),
  ('strategies', 'strategy_versions'), ('trades', 'trade_queue'), ('worker_status', 'workers');

create temporary table view_comments (owner text, name text, meaning text, primary key (owner, name)) on commit drop;
insert into view_comments (owner, name, meaning) values
  ('*', 'bot', 'Name of the bot.'),
  ('*', 'account', 'Name of the account.'),
  ('*', 'account_mode', 'PAPER or LIVE.'),
  ('*', 'symbol', 'ccxt''s unified symbol of the instrument.'),
  ('*', 'strategy', 'Name of the strategy.'),
  ('*', 'strategy_version', 'Number of its version.'),
  ('*', 'reason', 'The reason in words.'),
  ('*', 'settle_asset', 'Currency of the money in this row.'),
  ('*', 'market_type', 'Spot or linear perpetual.'),
  ('*', 'timeframe', 'Length of the candles.'),
  ('*', 'exchange_id', 'The exchange.'),
  ('*', 'last_price', 'Newest price known; null if none.'),
  ('*', 'unrealised_pnl', 'Profit that closing at the last price would realise, before fees, in the settlement asset; null without a price.'),
  ('*', 'net_pnl', 'Realised profit less fees plus funding, in the settlement asset.'),
  ('*', 'account_id', 'Key of the account.'),
  ('*', 'alert_id', 'Key of the alert.'),
  ('*', 'bot_id', 'Key of the bot.'),
  ('*', 'instrument_id', 'Key of the instrument.'),
  ('*', 'order_id', 'Key of the order.'),
  ('*', 'pause_id', 'Key of the pause.'),
  ('*', 'position_id', 'Key of the position.'),
  ('*', 'signal_id', 'Key of the signal.'),
  ('*', 'strategy_id', 'Code of the strategy.'),
  ('*', 'strategy_version_id', 'Key of the version.'),
  ('*', 'token_id', 'Key of the token.'),
  ('*', 'trade_id', 'Key of the trade.'),
  ('*', 'worker_id', 'Name of the worker process.'),
  ('*', 'open_positions', 'Positions open now.'),
  ('*', 'closed_positions', 'Positions closed since ever.'),
  ('accounts', 'available', 'What entries may still commit: the lesser of the limit and the booked balance, less positions and reserved capital.'),
  ('accounts', 'booked_balance', 'Balance of the settlement asset by our ledger.'),
  ('accounts', 'exchange_balance', 'The same as the exchange last said.'),
  ('alerts', 'is_open', 'Whether its cause still holds.'),
  ('api_tokens', 'is_valid', 'Neither revoked nor expired.'),
  ('bot_pnl', 'total_pnl', 'Net profit plus what open positions would realise.'),
  ('bot_pnl', 'won', 'Closed positions with a net profit above zero.'),
  ('bot_pnl', 'lost', 'The other closed positions.'),
  ('bot_pnl', 'best', 'Highest net profit of a closed position.'),
  ('bot_pnl', 'worst', 'Lowest net profit of a closed position.'),
  ('bot_pnl', 'first_opened_at', 'When its first position was opened.'),
  ('bot_pnl', 'last_closed_at', 'When its last position was closed.'),
  ('bot_pnl', 'realised_pnl', 'Sum over its positions, before fees and funding, in the settlement asset.'),
  ('bot_status', 'last_outcome', 'Outcome of its last check.'),
  ('bot_status', 'last_reason_code', 'Reason of its last check.'),
  ('bot_status', 'last_reason', 'That reason in words.'),
  ('bot_status', 'last_score', 'Score of its last check.'),
  ('bot_status', 'entries_paused', 'Whether a pause of the bot, its account, its exchange or all is in force.'),
  ('bot_status', 'signals_accepted_day', 'Signals queued in the last 24 hours.'),
  ('bot_status', 'signals_rejected_day', 'Signals rejected in the last 24 hours.'),
  ('bot_status', 'position_direction', 'Direction of its open position; null when flat.'),
  ('bot_status', 'position_quantity', 'Quantity of its open position.'),
  ('bot_status', 'position_entry_price', 'Average entry price of its open position.'),
  ('bot_status', 'position_opened_at', 'When its open position was opened.'),
  ('bot_status', 'fees', 'Fees of all its positions, in the settlement asset.'),
  ('checks', 'late_ms', 'From the due time to the recording, in milliseconds.'),
  ('data_freshness', 'lag_seconds', 'Age of the last good fetch, in seconds.'),
  ('data_freshness', 'is_followed', 'Whether an active bot needs it; other feeds rest.'),
  ('exchange_health', 'title', 'Name of the exchange for people.'),
  ('exchange_health', 'breaker_state', 'Whether calls go through.'),
  ('exchange_health', 'clock_offset_ms', 'Exchange''s clock minus ours, in milliseconds.'),
  ('exchange_health', 'used_share', 'Share of the tightest published limit in use, 0 to 1.'),
  ('exchange_health', 'blocked_until', 'The exchange allows nothing before; null when it does.'),
  ('exchange_health', 'granted', 'Weight granted since ever.'),
  ('exchange_health', 'denied', 'Calls denied since ever.'),
  ('exchange_health', 'data_fetched_at', 'Newest good fetch of any of its feeds.'),
  ('exchange_health', 'data_lag_seconds', 'Age of the oldest followed feed, in seconds.'),
  ('exchange_health', 'feeds', 'Feeds that active bots follow.'),
  ('exchange_health', 'feeds_failing', 'Those whose last fetch failed.'),
  ('instruments', 'bid', 'Best price offered by buyers.'),
  ('instruments', 'ask', 'Best price asked by sellers.'),
  ('instruments', 'quoted_at', 'Exchange''s time of the prices.'),
  ('overview', 'active_bots', 'Bots that are checked.'),
  ('overview', 'bots', 'Bots that are not deleted.'),
  ('overview', 'checks_hour', 'Checks of the last hour.'),
  ('overview', 'checks_failed_hour', 'Those that failed or timed out.'),
  ('overview', 'check_late_ms_p95', '95th percentile of the last hour from due time to recording, in milliseconds.'),
  ('overview', 'signals_hour', 'Signals of the last hour.'),
  ('overview', 'signals_day', 'Signals of the last 24 hours.'),
  ('overview', 'accepted_day', 'Those that were queued.'),
  ('overview', 'rejected_day', 'Those that were rejected.'),
  ('overview', 'acceptance_rate_day', 'Share of the last 24 hours'' signals that were queued, 0 to 1.'),
  ('overview', 'trades_hour', 'Trades queued in the last hour.'),
  ('overview', 'trades_day', 'Trades queued in the last 24 hours.'),
  ('overview', 'executed_day', 'Those that were executed.'),
  ('overview', 'failed_day', 'Those that failed.'),
  ('overview', 'queue_depth', 'Trades that wait.'),
  ('overview', 'executing', 'Trades that a worker carries out.'),
  ('overview', 'parked', 'Trades that wait for a person.'),
  ('overview', 'acknowledged_ms_p95_day', '95th percentile of the last 24 hours from queueing to acknowledgement, in milliseconds.'),
  ('overview', 'net_pnl_live', 'Net profit of all LIVE accounts.'),
  ('overview', 'unrealised_pnl_live', 'Unrealised profit of all LIVE accounts.'),
  ('overview', 'net_pnl_paper', 'Net profit of all PAPER accounts.'),
  ('overview', 'unrealised_pnl_paper', 'Unrealised profit of all PAPER accounts.'),
  ('overview', 'settle_asset', 'Currency of the profits; null where accounts settle in several.'),
  ('overview', 'open_alerts', 'Alerts that are not resolved.'),
  ('overview', 'running_workers', 'Worker processes heard in the last 30 seconds.'),
  ('overview', 'pauses_in_force', 'Pauses that stop entries now.'),
  ('overview', 'data_lag_seconds_max', 'Age of the oldest followed feed, in seconds.'),
  ('overview', 'last_tick_at', 'The last minute that was scheduled.'),
  ('overview', 'as_of', 'When this row was computed.'),
  ('pauses', 'is_in_force', 'Neither lifted nor past its time.'),
  ('positions', 'entry_notional', 'Quantity held at its average entry price, in quote.'),
  ('rejection_reasons', 'reason_code', 'Why they were rejected.'),
  ('rejection_reasons', 'signals', 'Signals rejected for it.'),
  ('rejection_reasons', 'occurrences', 'The same with repetitions of the same signal.'),
  ('rejection_reasons', 'last_at', 'When the last one was decided.'),
  ('signals', 'trade_status', 'What became of its trade.'),
  ('strategies', 'name', 'Name used on the command line and in the API.'),
  ('strategies', 'title', 'Name for people.'),
  ('strategies', 'default_interval_minutes', 'Interval of its bots unless said otherwise, in minutes.'),
  ('strategies', 'active_bots', 'Active bots of this version.'),
  ('trades', 'signal_price', 'Price of the signal.'),
  ('trades', 'acknowledged_after_ms', 'From queueing to the exchange''s acknowledgement, in milliseconds.'),
  ('trades', 'client_order_id', 'Our name of its order.'),
  ('trades', 'exchange_order_id', 'The exchange''s name of its order.'),
  ('trades', 'order_status', 'State of its order; null while there is none.'),
  ('trades', 'filled_quantity', 'What its order has filled.'),
  ('trades', 'average_price', 'Mean price of those fills.'),
  ('worker_status', 'status', 'RUNNING, STOPPED in good order, or LOST: silent for 30 seconds.');

do $$
declare
  v_column record;
begin
  for v_column in
    select c.relname, a.attname, coalesce(own.meaning, shared.meaning, col_description(t.oid, o.attnum)) as meaning
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
      left join view_comments own on own.owner = c.relname and own.name = a.attname
      left join view_comments shared on shared.owner = '*' and shared.name = a.attname
      left join view_tables v on v.view_name = c.relname
      left join pg_class t on t.relnamespace = 'botbox'::regnamespace and t.relname = v.table_name
      left join pg_attribute o on o.attrelid = t.oid and o.attname = a.attname
     where c.relnamespace = 'reporting'::regnamespace
       and c.relkind = 'v'
  loop
    execute format('comment on column reporting.%I.%I is %L', v_column.relname, v_column.attname, v_column.meaning);
  end loop;
end
$$;
drop table view_comments, view_tables;

-- migrate:down
-- Comments go with what they are on.
select 1;
