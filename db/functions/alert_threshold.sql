create function botbox.alert_threshold(p_code text)
returns numeric
language sql
stable
set search_path = botbox, pg_temp
as $$
  select r.threshold from alert_rules r where r.code = p_code;
$$;
comment on function botbox.alert_threshold is 'Above which figure the alert is raised, in the unit of its rule.';
