create function botbox.record_instrument_settings(
  p_account_id bigint,
  p_instrument_id bigint,
  p_leverage numeric,
  p_margin_mode text default null,
  p_now timestamptz default now()
)
returns void
language sql
set search_path = botbox, pg_temp
as $$
  insert into instrument_settings as s (account_id, instrument_id, leverage, margin_mode, set_at)
  values (p_account_id, p_instrument_id, p_leverage, p_margin_mode, p_now)
  on conflict (account_id, instrument_id) do update
     set leverage = excluded.leverage,
         -- Where the mode was left as it is, it is still what was set before.
         margin_mode = coalesce(excluded.margin_mode, s.margin_mode),
         set_at = excluded.set_at;
$$;
comment on function botbox.record_instrument_settings is
  'Notes that the exchange has taken leverage and margin mode for an account''s instrument; a crash before it costs one setting that is there already.';
