-- migrate:up

-- Rows that are rewritten all the time. Servers that come with PostgreSQL's own settings clean a table when a fifth of it is dead: of 100,000 bots
-- that would be after 20,000 rewritten rows, and what lies between is read by every look for due bots. At a fiftieth the work is little each time.
do $$
declare
  v_table text;
begin
  foreach v_table in array array['bots', 'feeds', 'tickers', 'trade_queue', 'orders', 'positions', 'rate_limits', 'ledger_totals', 'workers']
  loop
    execute format(
      'alter table botbox.%I set (
         autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 200, autovacuum_analyze_scale_factor = 0.05, autovacuum_analyze_threshold = 200
       )',
      v_table
    );
  end loop;
end
$$;

-- migrate:down

do $$
declare
  v_table text;
begin
  foreach v_table in array array['bots', 'feeds', 'tickers', 'trade_queue', 'orders', 'positions', 'rate_limits', 'ledger_totals', 'workers']
  loop
    execute format(
      'alter table botbox.%I reset (
         autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_analyze_scale_factor, autovacuum_analyze_threshold
       )',
      v_table
    );
  end loop;
end
$$;
