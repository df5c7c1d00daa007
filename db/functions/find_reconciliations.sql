create function botbox.find_reconciliations(p_account_ids bigint[], p_since timestamptz)
returns table (account_id bigint, name text, is_compared boolean, differences text[])
language sql
stable
set search_path = botbox, pg_temp
as $$
  select a.id, a.name, coalesce(a.reconciled_as_of > p_since, false),
         array(
           select l.message
             from alerts l
            where l.code in ('RECONCILIATION_POSITION', 'RECONCILIATION_FOREIGN_POSITION', 'RECONCILIATION_BALANCE')
              and l.resolved_at is null
              and l.subject like format('account %s %%', a.id)
            order by l.message
         )
    from accounts a
   where a.id = any (p_account_ids)
   order by a.id;
$$;
comment on function botbox.find_reconciliations is
  'Whether these accounts were compared with an answer that their exchange gave after p_since, and the differences of positions and balances that stand.';
