create function botbox.other_leg_failed(p_trade_id uuid, p_group_id uuid)
returns boolean
language sql
stable
set search_path = botbox, pg_temp
as $$
  select exists (
    select
      from trade_queue s
     where s.group_id = p_group_id
       and s.id <> p_trade_id
       and s.direction <> 'CLOSE'
       and s.status in ('FAILED', 'EXPIRED', 'CANCELLED')
  );
$$;
comment on function botbox.other_leg_failed is 'Whether the entry of the same pair''s other leg ended without any fill.';
