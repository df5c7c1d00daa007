-- migrate:up

-- With the rest of a check, so that its batch is read once.
alter type botbox.check_input add attribute position_lots integer;
comment on type botbox.check_input is 'An evaluated check as a worker hands it to record_checks; failure is null unless the check could not decide; legs lists [{instrument_id, candle_at, price}] of a pair''s legs beyond the first; position_lots: of the position that the strategy saw, 0 without one.';

-- The key of one signal per hash and candle begins with the hash as well.
drop index botbox.signals_by_hash;

-- migrate:down

create index signals_by_hash on botbox.signals (hash);
comment on type botbox.check_input is 'An evaluated check as a worker hands it to record_checks; failure is null unless the check could not decide; legs lists [{instrument_id, candle_at, price}] of a pair''s legs beyond the first.';
alter type botbox.check_input drop attribute position_lots;
