create or replace function botbox.forbid_change()
returns trigger
language plpgsql
set search_path = botbox, pg_temp
as $$
begin
  raise exception 'rows of %.% never change once written', tg_table_schema, tg_table_name
    using errcode = 'integrity_constraint_violation';
end
$$;
comment on function botbox.forbid_change is 'Trigger of tables whose rows are only ever added: strategy versions, the audit log, the ledger and fills.';

create or replace trigger strategy_versions_never_change
  before update or delete on botbox.strategy_versions
  for each row execute function botbox.forbid_change();
create or replace trigger audit_log_never_changes
  before update or delete on botbox.audit_log
  for each row execute function botbox.forbid_change();
create or replace trigger ledger_entries_never_change
  before update or delete on botbox.ledger_entries
  for each row execute function botbox.forbid_change();
create or replace trigger fills_never_change
  before update or delete on botbox.fills
  for each row execute function botbox.forbid_change();
