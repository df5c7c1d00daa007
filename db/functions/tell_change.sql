create or replace function botbox.tell_change()
returns trigger
language plpgsql
set search_path = botbox, pg_temp
as $$
begin
  insert into events (topic, keys) values (tg_argv[0], array[new.id::text]);
  -- The streams look every second, and nobody is notified: PostgreSQL commits transactions that notify one after the other, each once the one
  -- before is on disk, so that sixteen executors would end trades no faster than two.
  return null;
end
$$;
comment on function botbox.tell_change is
  'Trigger of trades, orders, positions and alerts: writes down for the event streams a change that a person would want to see at once.';

create or replace trigger new_trade_is_told
  after insert on botbox.trade_queue
  for each row execute function botbox.tell_change('trades');
create or replace trigger moved_trade_is_told
  after update on botbox.trade_queue
  for each row when (old.status is distinct from new.status) execute function botbox.tell_change('trades');
create or replace trigger new_order_is_told
  after insert on botbox.orders
  for each row execute function botbox.tell_change('orders');
create or replace trigger moved_order_is_told
  after update on botbox.orders
  for each row when (old.status is distinct from new.status or old.filled_quantity is distinct from new.filled_quantity)
  execute function botbox.tell_change('orders');
create or replace trigger new_position_is_told
  after insert on botbox.positions
  for each row execute function botbox.tell_change('positions');
create or replace trigger moved_position_is_told
  after update on botbox.positions
  for each row when (
    old.status is distinct from new.status or old.quantity is distinct from new.quantity
    or old.stop_loss_price is distinct from new.stop_loss_price or old.take_profit_price is distinct from new.take_profit_price
  )
  execute function botbox.tell_change('positions');
create or replace trigger new_alert_is_told
  after insert on botbox.alerts
  for each row execute function botbox.tell_change('alerts');
create or replace trigger moved_alert_is_told
  after update on botbox.alerts
  for each row when (old.acknowledged_at is distinct from new.acknowledged_at or old.resolved_at is distinct from new.resolved_at)
  execute function botbox.tell_change('alerts');
