create function botbox.balance_pairs(p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_account_id bigint;
  v_trade record;
  v_pair record;
  v_decision decision;
  v_count integer := 0;
begin
  -- Accounts in id order, as wherever signals are decided; under an account's lock everything is looked at again.
  for v_account_id in
    select t.account_id
      from trade_queue t
     where t.status = 'PENDING'
       and t.direction <> 'CLOSE'
       and other_leg_failed(p_trade_id => t.id, p_group_id => t.group_id)
    union
    select u.account_id
      from find_unbalanced_pairs() u
      join accounts a on a.id = u.account_id and a.status <> 'HALTED'
     where u.is_settled
     order by 1
  loop
    perform from accounts where id = v_account_id for no key update;

    for v_trade in
      select t.id
        from trade_queue t
       where t.account_id = v_account_id
         and t.status = 'PENDING'
         and t.direction <> 'CLOSE'
         and other_leg_failed(p_trade_id => t.id, p_group_id => t.group_id)
       order by t.id
    loop
      -- The order before its trade, as where fills and results are booked; whoever holds either is not waited for.
      if exists (select from orders o where o.trade_id = v_trade.id) then
        perform from orders o where o.trade_id = v_trade.id for update skip locked;
        continue when not found;
      end if;
      perform from trade_queue t where t.id = v_trade.id and t.status = 'PENDING' for update skip locked;
      continue when not found;
      -- Sent before and certainly not standing: its order ends with it.
      update orders o
         set status = 'REJECTED', reject_code = 'OTHER_LEG_FAILED', finished_at = p_now, updated_at = p_now
       where o.trade_id = v_trade.id
         and o.finished_at is null
         and o.not_accepted_at is not null;
      perform finish_trade(p_trade_id => v_trade.id, p_reason_code => 'OTHER_LEG_FAILED', p_now => p_now);
      v_count := v_count + 1;
    end loop;

    for v_pair in
      select u.*, coalesce(k.last, p.average_entry_price) as price
        from find_unbalanced_pairs(p_account_id => v_account_id) u
        join positions p on p.id = u.position_id
        left join tickers k on k.instrument_id = u.instrument_id
       where u.is_settled
         -- A close that came to less than it should is tried again after a minute, whoever asked for it.
         and not exists (
               select
                 from trade_queue t
                where t.position_id = u.position_id
                  and t.finished_at > p_now - interval '1 minute'
                  and t.quantity > (select coalesce(sum(o.filled_quantity), 0) from orders o where o.trade_id = t.id)
             )
       order by u.bot_id
    loop
      v_decision := decide_signal(
        p_signal => row(
          v_pair.bot_id, v_pair.instrument_id, 'CLOSE', 'LEG_IMBALANCE', date_trunc('minute', p_now), v_pair.price,
          case when not v_pair.is_alone then v_pair.surplus end, null, null, null, null, null, null, null, null,
          null, null, null, null
        )::signal_input,
        p_now => p_now
      );
      v_count := v_count + (v_decision.outcome = 'QUEUED')::integer;
    end loop;
  end loop;

  perform raise_alert(
    p_code => 'PAIR_UNBALANCED',
    p_severity => 'CRITICAL',
    p_subject => 'bot ' || u.bot_id,
    p_message => format('The legs of bot %s (%s) have not matched for more than two minutes: %s %s too much', b.name, u.bot_id, u.surplus, i.symbol),
    p_details => jsonb_build_object('position_id', u.position_id, 'surplus', u.surplus, 'since', u.changed_at),
    p_now => p_now
  )
    from find_unbalanced_pairs() u
    join bots b on b.id = u.bot_id
    join instruments i on i.id = u.instrument_id
   where u.changed_at <= p_now - interval '2 minutes';
  update alerts a
     set resolved_at = p_now
   where a.code = 'PAIR_UNBALANCED'
     and a.resolved_at is null
     and a.subject not in (select 'bot ' || u.bot_id from find_unbalanced_pairs() u);
  return v_count;
end
$$;
comment on function botbox.balance_pairs is
  'Undoes what only one leg of a pair did: an entry not yet sent whose other leg came to nothing is cancelled, and once no trade of the bot is under way the surplus of the larger leg is closed. Alerts pairs that have not matched for two minutes. Answers how many trades it cancelled or queued.';
