create function botbox.sync_alerts(p_codes text[], p_holding jsonb, p_now timestamptz default now())
returns integer
language plpgsql
set search_path = botbox, pg_temp
as $$
declare
  v_holding record;
  v_count integer := 0;
begin
  for v_holding in
    select h.code, coalesce(h.severity, r.severity) as severity, h.subject, h.message, coalesce(h.details, '{}') as details
      from jsonb_to_recordset(p_holding) as h (code text, severity severity, subject text, message text, details jsonb)
      join alert_rules r on r.code = h.code
     order by h.code, h.subject
  loop
    perform raise_alert(
      p_code => v_holding.code, p_severity => v_holding.severity, p_subject => v_holding.subject, p_message => v_holding.message,
      p_details => v_holding.details, p_now => p_now
    );
    v_count := v_count + 1;
  end loop;
  -- Whatever does not hold any more ends, also where its subject is gone.
  update alerts a
     set resolved_at = p_now
   where a.code = any (p_codes)
     and a.resolved_at is null
     and not exists (
           select
             from jsonb_to_recordset(p_holding) as h (code text, subject text)
            where h.code = a.code
              and h.subject = a.subject
         );
  return v_count;
end
$$;
comment on function botbox.sync_alerts is
  'Raises what holds now, [{code, subject, message, details, severity}], and resolves every open alert of p_codes that is not among it; answers how many hold.';
