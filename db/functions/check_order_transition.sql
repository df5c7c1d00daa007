create or replace function botbox.check_order_transition()
returns trigger
language plpgsql
set search_path = botbox, pg_temp
as $$
begin
  if not exists (
    select
      from order_transitions t
     where t.to_status = new.status
       and t.from_status is not distinct from case when tg_op = 'UPDATE' then old.status end
  ) then
    raise exception 'order % cannot become % from %', new.id, new.status, case when tg_op = 'UPDATE' then old.status::text else 'nothing' end
      using errcode = 'check_violation', constraint = 'order_transition_is_legal';
  end if;
  return new;
end
$$;
comment on function botbox.check_order_transition is 'Trigger of orders: a status changes only along order_transitions.';

create or replace trigger order_begins_legally
  before insert on botbox.orders
  for each row execute function botbox.check_order_transition();
create or replace trigger order_moves_legally
  before update of status on botbox.orders
  for each row when (new.status <> old.status) execute function botbox.check_order_transition();
