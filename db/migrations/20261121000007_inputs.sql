-- migrate:up
-- Shapes in which workers hand batches to functions: parsed once from jsonb, then used as rows.
create type botbox.check_input as (
  bot_id bigint,
  due_at timestamptz,
  kind botbox.check_kind,
  strategy_version_id bigint,
  started_at timestamptz,
  duration_ms real,
  timeframe botbox.timeframe,
  candle_at timestamptz,
  data_age_ms integer,
  price numeric,
  score double precision,
  factors jsonb,
  regime_direction botbox.regime_direction,
  regime_volatility botbox.regime_volatility,
  regime_figures jsonb,
  decision text,
  reason_code text,
  stop_loss_fraction numeric,
  take_profit_fraction numeric,
  failure botbox.check_outcome,
  error text,
  dry_run boolean,
  is_repeated boolean,
  lots integer,
  trailing_stop_fraction numeric,
  atr numeric,
  legs jsonb
);
comment on type botbox.check_input is 'An evaluated check as a worker hands it to record_checks; failure is null unless the check could not decide; legs lists [{instrument_id, candle_at, price}] of a pair''s legs beyond the first.';

create type botbox.signal_input as (
  bot_id bigint,
  instrument_id bigint,
  direction botbox.signal_direction,
  trigger_reason text,
  candle_at timestamptz,
  price numeric,
  quantity numeric,
  score double precision,
  factors jsonb,
  regime_direction botbox.regime_direction,
  regime_volatility botbox.regime_volatility,
  data_age_ms integer,
  stop_loss_fraction numeric,
  take_profit_fraction numeric,
  strategy_version_id bigint,
  lots integer,
  trailing_stop_fraction numeric,
  atr numeric,
  group_id uuid
);
comment on type botbox.signal_input is 'What decide_signal is asked to decide: an entry or a close, with the market it was based on.';

create type botbox.close_size as (
  quantity numeric,
  lots integer
);
comment on type botbox.close_size is 'What a close sells or buys back, and the lots it stands for; lots null: all of the position.';

create type botbox.decision as (
  outcome botbox.check_outcome,
  reason_code text,
  signal_id bigint,
  trade_id uuid
);
comment on type botbox.decision is 'What decide_signal answered: QUEUED, REJECTED or REPEATED, why, and the rows that say so.';

create type botbox.verdict as (
  reason_code text,
  details jsonb
);
comment on type botbox.verdict is 'A refusal with its figures; reason_code null means nothing stands against it.';

create type botbox.fill_input as (
  instrument_id bigint,
  exchange_order_id text,
  exchange_fill_id text,
  client_order_id text,
  side botbox.side,
  quantity numeric,
  price numeric,
  fee numeric,
  fee_asset text,
  stop_kind botbox.order_purpose,
  filled_at timestamptz
);
comment on type botbox.fill_input is 'A fill as a venue reports it; stop_kind where the exchange made the order from a stop of ours.';

insert into botbox.reason_codes (code, scope, meaning) values
  ('BELOW_THRESHOLD', 'CHECK', 'The score lies between the entry thresholds: nothing to do'),
  ('NO_RULE', 'CHECK', 'No rule of the strategy''s own applies: nothing to do'),
  ('HOLDING', 'CHECK', 'A position is held and no exit condition is met'),
  ('INSUFFICIENT_HISTORY', 'CHECK', 'Fewer closed candles than the strategy needs'),
  ('STALE_DATA', 'CHECK', 'Market data older than two minutes, also after one attempt to fetch it live'),
  ('CHECK_FAILED', 'CHECK', 'The strategy threw or returned something that is not a decision'),
  ('CHECK_TIMED_OUT', 'CHECK', 'The evaluation was stopped at its time limit'),
  ('ENTRY_THRESHOLD', 'SIGNAL', 'The score reached the entry threshold'),
  ('EXIT_THRESHOLD', 'SIGNAL', 'The score fell to the exit threshold'),
  ('TIME_EXIT', 'SIGNAL', 'The position was held for its longest time'),
  ('STOP_LOSS', 'SIGNAL', 'The price reached the stop-loss'),
  ('TAKE_PROFIT', 'SIGNAL', 'The price reached the take-profit'),
  ('TRAILING_STOP', 'SIGNAL', 'The price came back from its best by the trailing distance'),
  ('GRID_ENTRY', 'SIGNAL', 'The price crossed levels of the grid: their lots are entered'),
  ('GRID_EXIT', 'SIGNAL', 'The price came back across levels of the grid: their lots are closed'),
  ('GRID_OUT_OF_RANGE', 'SIGNAL', 'The price left the range of the grid'),
  ('FUNDING_ENTRY', 'SIGNAL', 'The funding expected over the holding time pays more than both legs cost'),
  ('FUNDING_EXIT', 'SIGNAL', 'Funding turned: holding the pair no longer pays'),
  ('ENTRY_RULE', 'SIGNAL', 'A rule of the strategy''s own asked for the entry'),
  ('EXIT_RULE', 'SIGNAL', 'A rule of the strategy''s own asked for the exit'),
  ('LEG_IMBALANCE', 'SIGNAL', 'The legs of a pair do not match: the surplus is closed'),
  ('FLATTEN', 'SIGNAL', 'A person asked to close the position'),
  ('ACCEPTED', 'SIGNAL', 'Validated, within every limit, and queued'),
  ('BOT_NOT_ACTIVE', 'SIGNAL', 'The bot was paused, stopped or deleted meanwhile'),
  ('PAUSED', 'SIGNAL', 'A pause of entries is in force for the bot, its account, its exchange or all'),
  ('ACCOUNT_HALTED', 'SIGNAL', 'The account is HALTED: nothing is sent for it'),
  ('ACCOUNT_REDUCING', 'SIGNAL', 'The account is REDUCING: closes only'),
  ('EXCHANGE_UNAVAILABLE', 'SIGNAL', 'The breaker of the exchange is open'),
  ('INSTRUMENT_NOT_TRADING', 'SIGNAL', 'The exchange does not trade the instrument now'),
  ('REGIME_UNKNOWN', 'SIGNAL', 'Too little history to tell the market regime'),
  ('REGIME_UNFAVOURABLE', 'SIGNAL', 'The market regime is not one the strategy is made for'),
  ('VOLATILITY_UNKNOWN', 'SIGNAL', 'Too little history to size the entry by the market''s range'),
  ('SHORT_ON_SPOT', 'SIGNAL', 'A spot market cannot be sold short'),
  ('DUPLICATE_POSITION', 'SIGNAL', 'The bot already holds this instrument up to its lots'),
  ('OPPOSITE_POSITION', 'SIGNAL', 'The bot holds this instrument in the other direction'),
  ('TRADE_PENDING', 'SIGNAL', 'A trade of the bot in this instrument is still under way'),
  ('NO_POSITION', 'SIGNAL', 'There is no open position to close'),
  ('MAX_POSITIONS', 'SIGNAL', 'The account already has as many positions as it may'),
  ('INSUFFICIENT_CAPITAL', 'SIGNAL', 'Less capital is free than the position needs'),
  ('CORRELATION_LIMIT', 'SIGNAL', 'Too many correlated positions in the same direction'),
  ('LOSS_COOLDOWN', 'SIGNAL', 'The bot lost lately: it enters nothing until its cooldown is over'),
  ('LOSING_STREAK', 'SIGNAL', 'The bot lost several positions in a row: a person lets it go on'),
  ('DAILY_LOSS_LIMIT', 'SIGNAL', 'The account lost as much today as it may: it reduces from now on'),
  ('MAX_DRAWDOWN', 'SIGNAL', 'The account fell as far below its peak as it may: it reduces from now on'),
  ('ORDER_TOO_LARGE', 'SIGNAL', 'The entry is larger than one order of the account may be'),
  ('ENTRY_RATE_LIMIT', 'SIGNAL', 'The account already queued as many entries in this minute as it may'),
  ('BOT_POSITION_LIMIT', 'SIGNAL', 'The position would be larger than the bot may hold'),
  ('INSTRUMENT_EXPOSURE', 'SIGNAL', 'The account would hold more of the instrument than it may'),
  ('TOTAL_EXPOSURE', 'SIGNAL', 'The account would hold more in all than it may'),
  ('OTHER_LEG_REFUSED', 'SIGNAL', 'The other leg of the pair was refused, so this one is not entered either'),
  ('BELOW_MINIMUM', 'SIGNAL', 'The rounded quantity is below what the exchange accepts'),
  ('OTHER_LEG_FAILED', 'TRADE', 'The other leg of the pair came to nothing before this one was sent'),
  ('PRICE_DEVIATION', 'TRADE', 'The price had moved too far from the signal when the entry was to be sent'),
  ('TTL_EXPIRED', 'TRADE', 'Not executed within its time to live'),
  ('EXCHANGE_REFUSED', 'TRADE', 'The exchange definitely refused the order'),
  ('ATTEMPTS_EXHAUSTED', 'TRADE', 'Not accepted after every retry'),
  ('NOT_FILLED', 'TRADE', 'The exchange ended the order without a fill'),
  ('POSITION_CLOSED', 'TRADE', 'The position was closed by another order meanwhile'),
  ('UNRESOLVED', 'TRADE', 'The exchange does not say what became of the order: a person decides'),
  ('CANCELLED_BY_PERSON', 'TRADE', 'A person cancelled the trade'),
  ('RESOLVED_BY_PERSON', 'TRADE', 'A person said that the order does not stand and was not filled');

-- migrate:down
delete from botbox.reason_codes;
drop type botbox.fill_input, botbox.verdict, botbox.decision, botbox.close_size, botbox.signal_input, botbox.check_input;
