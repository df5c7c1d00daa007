-- migrate:up
create table botbox.positions (
  id bigint generated always as identity primary key,
  bot_id bigint not null references botbox.bots (id) on delete restrict,
  account_id bigint not null references botbox.accounts (id) on delete restrict,
  instrument_id bigint not null references botbox.instruments (id) on delete restrict,
  strategy_version_id bigint references botbox.strategy_versions (id) on delete restrict,
  direction botbox.direction not null,
  status botbox.position_status not null default 'OPEN',
  quantity botbox.quantity not null,
  entered_quantity botbox.quantity not null,
  exited_quantity botbox.quantity not null default 0,
  dust_quantity botbox.quantity not null default 0,
  average_entry_price botbox.price not null,
  average_exit_price botbox.price,
  leverage numeric not null default 1 constraint position_leverage_is_sane check (leverage between 1 and 100),
  lots integer not null default 1 constraint position_lots_are_positive check (lots > 0),
  realised_pnl botbox.amount not null default 0,
  fees botbox.amount not null default 0,
  funding botbox.amount not null default 0,
  stop_loss_price botbox.price,
  take_profit_price botbox.price,
  trailing_stop_fraction numeric constraint position_trail_is_a_share check (trailing_stop_fraction > 0 and trailing_stop_fraction < 1),
  best_price botbox.price,
  protection botbox.protection not null default 'NONE',
  opened_at timestamptz not null,
  closed_at timestamptz,
  updated_at timestamptz not null default now(),
  constraint closed_position_holds_nothing check ((status = 'CLOSED') = (quantity = 0)),
  constraint closed_position_has_its_time check ((status = 'CLOSED') = (closed_at is not null)),
  constraint stops_are_protected check (protection <> 'NONE' or (stop_loss_price is null and take_profit_price is null))
) with (fillfactor = 80);
create unique index positions_one_open_per_bot on botbox.positions (bot_id, instrument_id) where status = 'OPEN';
create index positions_by_bot on botbox.positions (bot_id, opened_at desc);
create index positions_open_by_account on botbox.positions (account_id, instrument_id) where status = 'OPEN';
create index positions_by_account on botbox.positions (account_id) include (realised_pnl, fees, funding);
create index positions_by_instrument on botbox.positions (instrument_id);
create index positions_by_strategy_version on botbox.positions (strategy_version_id);
create index positions_by_opened on botbox.positions (opened_at desc);
create index positions_by_closed on botbox.positions (closed_at desc) where status = 'CLOSED';
comment on table botbox.positions is 'What a bot holds or held of one instrument: its own ledger, from fills only; written by apply_fills.';

create table botbox.position_totals (
  bot_id bigint not null references botbox.bots (id) on delete restrict,
  account_id bigint not null references botbox.accounts (id) on delete restrict,
  strategy_version_id bigint references botbox.strategy_versions (id) on delete restrict,
  closed_positions bigint not null constraint totals_count_positions check (closed_positions > 0),
  won bigint not null constraint won_within_closed check (won between 0 and closed_positions),
  realised_pnl botbox.amount not null,
  fees botbox.amount not null,
  funding botbox.amount not null,
  best botbox.amount not null,
  worst botbox.amount not null,
  first_opened_at timestamptz not null,
  last_closed_at timestamptz not null,
  constraint position_totals_one_per_bot_and_version unique nulls not distinct (bot_id, strategy_version_id, account_id),
  constraint worst_is_not_above_best check (worst <= best)
) with (fillfactor = 70);
create index position_totals_by_account on botbox.position_totals (account_id);
create index position_totals_by_strategy_version on botbox.position_totals (strategy_version_id);
comment on table botbox.position_totals is
  'Sums of closed positions by bot and strategy version, so that profits of all time are read from a row a bot; kept by a trigger on positions, total_positions.';
comment on column botbox.position_totals.bot_id is 'Bot that held them.';
comment on column botbox.position_totals.account_id is 'Account that they were on.';
comment on column botbox.position_totals.strategy_version_id is 'Version whose signal opened them; null where nobody''s did.';
comment on column botbox.position_totals.closed_positions is 'How many are closed.';
comment on column botbox.position_totals.won is 'Of those, how many earned more than they cost.';
comment on column botbox.position_totals.realised_pnl is 'Sum of their profits before fees and funding, in the settlement asset.';
comment on column botbox.position_totals.fees is 'Sum of their fees, in the settlement asset.';
comment on column botbox.position_totals.funding is 'Sum of funding received less paid, in the settlement asset.';
comment on column botbox.position_totals.best is 'Largest net profit of one of them.';
comment on column botbox.position_totals.worst is 'Smallest net profit of one of them.';
comment on column botbox.position_totals.first_opened_at is 'When the first of them was opened.';
comment on column botbox.position_totals.last_closed_at is 'When the last of them was closed.';

create table botbox.trade_queue (
  id uuid primary key default gen_random_uuid(),
  signal_id bigint not null,
  signal_hash text not null unique,
  bot_id bigint not null references botbox.bots (id) on delete restrict,
  account_id bigint not null references botbox.accounts (id) on delete restrict,
  instrument_id bigint not null references botbox.instruments (id) on delete restrict,
  strategy_version_id bigint references botbox.strategy_versions (id) on delete restrict,
  position_id bigint references botbox.positions (id) on delete restrict,
  direction botbox.signal_direction not null,
  side botbox.side not null,
  quantity botbox.quantity not null constraint trade_quantity_is_positive check (quantity > 0),
  price botbox.price not null,
  reserved_capital botbox.quantity not null default 0,
  leverage numeric not null default 1 constraint trade_leverage_is_sane check (leverage between 1 and 100),
  lots integer constraint trade_lots_are_not_negative check (lots > 0 or lots = 0 and direction = 'CLOSE'),
  stop_loss_price botbox.price,
  take_profit_price botbox.price,
  trailing_stop_fraction numeric constraint trade_trail_is_a_share check (trailing_stop_fraction > 0 and trailing_stop_fraction < 1),
  group_id uuid,
  protection botbox.protection not null default 'NONE',
  trigger_reason text not null references botbox.reason_codes (code) on delete restrict,
  status botbox.trade_status not null default 'PENDING',
  reason_code text references botbox.reason_codes (code) on delete restrict,
  error text,
  attempts integer not null default 0 constraint attempts_are_not_negative check (attempts >= 0),
  queued_at timestamptz not null,
  next_attempt_at timestamptz not null,
  expires_at timestamptz,
  claimed_by text,
  claimed_until timestamptz,
  acknowledged_at timestamptz,
  flatten_requested_at timestamptz,
  finished_at timestamptz,
  constraint close_never_expires check ((direction = 'CLOSE') = (expires_at is null)),
  constraint close_names_its_position check ((direction = 'CLOSE') = (position_id is not null)),
  constraint side_follows_direction check (direction = 'CLOSE' or (direction = 'LONG') = (side = 'BUY')),
  constraint finished_trade_has_its_time
    check ((status in ('EXECUTED', 'EXPIRED', 'CANCELLED', 'FAILED')) = (finished_at is not null)),
  constraint close_reserves_nothing check (direction <> 'CLOSE' or reserved_capital = 0),
  constraint finished_trade_reserves_nothing check (finished_at is null or reserved_capital = 0),
  constraint executing_trade_is_claimed check ((status = 'EXECUTING') = (claimed_by is not null)),
  constraint trade_claim_has_an_end check ((claimed_by is null) = (claimed_until is null)),
  constraint failed_trade_has_its_reason check (status not in ('FAILED', 'CANCELLED', 'EXPIRED', 'PARKED') or reason_code is not null)
) with (fillfactor = 70);
create unique index trade_queue_one_live_per_bot_direction
  on botbox.trade_queue (bot_id, instrument_id, direction)
  where status in ('PENDING', 'EXECUTING', 'PARKED');
create index trade_queue_to_claim
  on botbox.trade_queue ((direction <> 'CLOSE'), queued_at)
  where status = 'PENDING';
create index trade_queue_leases on botbox.trade_queue (claimed_until) where status = 'EXECUTING';
create index trade_queue_live_by_account
  on botbox.trade_queue (account_id)
  where status in ('PENDING', 'EXECUTING', 'PARKED');
create index trade_queue_by_bot on botbox.trade_queue (bot_id, queued_at desc);
create index trade_queue_by_account on botbox.trade_queue (account_id, queued_at desc);
create index trade_queue_by_queued on botbox.trade_queue (queued_at desc);
create index trade_queue_by_instrument on botbox.trade_queue (instrument_id);
create index trade_queue_by_strategy_version on botbox.trade_queue (strategy_version_id, queued_at);
create index trade_queue_by_position on botbox.trade_queue (position_id);
create index trade_queue_by_group on botbox.trade_queue (group_id) where group_id is not null;
create index trade_queue_to_flatten on botbox.trade_queue (account_id) where flatten_requested_at is not null;
create index trade_queue_by_trigger on botbox.trade_queue (trigger_reason);
create index trade_queue_by_reason on botbox.trade_queue (reason_code);
comment on table botbox.trade_queue is
  'Accepted signals on their way to the exchange. It copies what it needs from its signal (no foreign key into a hypertable) and outlives its retention.';

create table botbox.orders (
  id bigint generated always as identity primary key,
  trade_id uuid references botbox.trade_queue (id) on delete restrict,
  account_id bigint not null references botbox.accounts (id) on delete restrict,
  instrument_id bigint not null references botbox.instruments (id) on delete restrict,
  bot_id bigint not null references botbox.bots (id) on delete restrict,
  position_id bigint references botbox.positions (id) on delete restrict,
  purpose botbox.order_purpose not null,
  client_order_id text unique constraint client_order_id_fits_exchanges check (client_order_id ~ '^[A-Za-z0-9_-]{1,36}$'),
  exchange_order_id text,
  side botbox.side not null,
  quantity botbox.quantity not null constraint order_quantity_is_positive check (quantity > 0),
  reduce_only boolean not null default false,
  stop_loss_price botbox.price,
  take_profit_price botbox.price,
  status botbox.order_status not null,
  expected_price botbox.price,
  filled_quantity botbox.quantity not null default 0,
  average_price botbox.price,
  send_count integer not null default 0,
  sent_at timestamptz,
  send_deadline timestamptz,
  not_accepted_at timestamptz,
  unknown_since timestamptz,
  next_query_at timestamptz not null default now(),
  query_count integer not null default 0 constraint query_count_is_not_negative check (query_count >= 0),
  reject_code text,
  reject_message text,
  acknowledged_at timestamptz,
  exchange_updated_at timestamptz,
  finished_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint filled_within_quantity check (filled_quantity <= quantity),
  constraint filled_order_is_full check (status <> 'FILLED' or filled_quantity = quantity),
  constraint partially_filled_order_has_a_fill check (status <> 'PARTIALLY_FILLED' or filled_quantity > 0),
  constraint rejected_order_filled_nothing check (status <> 'REJECTED' or filled_quantity = 0),
  constraint fills_have_an_average check ((filled_quantity > 0) = (average_price is not null)),
  constraint finished_order_has_its_time check ((status in ('FILLED', 'CANCELLED', 'REJECTED')) = (finished_at is not null)),
  constraint unknown_order_has_its_time check ((status = 'UNKNOWN') = (unknown_since is not null)),
  constraint own_orders_have_a_client_id check (purpose in ('STOP_LOSS', 'TAKE_PROFIT') or (client_order_id is not null and trade_id is not null)),
  constraint acknowledged_order_is_named check (status not in ('OPEN', 'PARTIALLY_FILLED', 'FILLED') or exchange_order_id is not null)
) with (fillfactor = 70);
create unique index orders_one_per_trade on botbox.orders (trade_id);
create unique index orders_one_per_exchange_order on botbox.orders (account_id, instrument_id, exchange_order_id);
create index orders_unfinished on botbox.orders (account_id) where finished_at is null;
create index orders_to_query on botbox.orders (next_query_at) where finished_at is null;
create index orders_by_bot on botbox.orders (bot_id, created_at desc);
create index orders_by_created on botbox.orders (created_at desc);
create index orders_by_instrument on botbox.orders (instrument_id);
create index orders_by_position on botbox.orders (position_id);
comment on table botbox.orders is
  'Instructions to the exchange, committed as SUBMITTING before anything is sent; orders that the exchange made from our stops have its id only.';

create table botbox.order_transitions (
  from_status botbox.order_status,
  to_status botbox.order_status not null,
  meaning text not null,
  constraint order_transitions_are_told_once unique nulls not distinct (from_status, to_status),
  constraint order_transition_leads_elsewhere check (from_status <> to_status)
);
comment on table botbox.order_transitions is 'How orders.status may change, held by triggers on orders; null in from_status: how an order begins. ARCHITECTURE.md draws it.';
insert into botbox.order_transitions (from_status, to_status, meaning) values
  (null, 'SUBMITTING', 'Committed before it is sent'),
  (null, 'OPEN', 'Made by the exchange from a stop of ours'),
  ('SUBMITTING', 'OPEN', 'Acknowledged, or a fill came'),
  ('SUBMITTING', 'UNKNOWN', 'No clear answer, or the sender died'),
  ('SUBMITTING', 'REJECTED', 'Refused, cancelled before it was sent, too late, or attempts exhausted'),
  ('UNKNOWN', 'OPEN', 'Found, or a fill came, or a person knows it'),
  ('UNKNOWN', 'SUBMITTING', 'It does not exist, after the grace period'),
  ('UNKNOWN', 'REJECTED', 'It does not exist and is too late, or a person says so'),
  ('OPEN', 'PARTIALLY_FILLED', 'A fill'),
  ('OPEN', 'FILLED', 'All of it filled'),
  ('OPEN', 'CANCELLED', 'Ended by the exchange'),
  ('OPEN', 'REJECTED', 'Ended by the exchange before any fill'),
  ('PARTIALLY_FILLED', 'FILLED', 'The rest filled'),
  ('PARTIALLY_FILLED', 'CANCELLED', 'Its rest ended by the exchange'),
  ('CANCELLED', 'PARTIALLY_FILLED', 'A fill that came after the end: the money counts'),
  ('CANCELLED', 'FILLED', 'A fill that came after the end: the money counts'),
  ('REJECTED', 'PARTIALLY_FILLED', 'A fill of what was said not to stand: the money counts'),
  ('REJECTED', 'FILLED', 'A fill of what was said not to stand: the money counts');

create table botbox.fills (
  id bigint generated always as identity primary key,
  account_id bigint not null references botbox.accounts (id) on delete restrict,
  instrument_id bigint not null references botbox.instruments (id) on delete restrict,
  order_id bigint not null references botbox.orders (id) on delete restrict,
  position_id bigint not null references botbox.positions (id) on delete restrict,
  exchange_order_id text not null,
  exchange_fill_id text not null,
  side botbox.side not null,
  quantity botbox.quantity not null constraint fill_quantity_is_positive check (quantity > 0),
  price botbox.price not null,
  fee botbox.amount not null default 0,
  fee_asset text not null,
  realised_pnl botbox.amount not null default 0,
  filled_at timestamptz not null,
  recorded_at timestamptz not null default now(),
  constraint fills_booked_once unique (account_id, instrument_id, exchange_order_id, exchange_fill_id)
);
create index fills_by_order on botbox.fills (order_id);
create index fills_by_position on botbox.fills (position_id);
create index fills_by_instrument on botbox.fills (instrument_id);
create index fills_by_filled on botbox.fills (filled_at desc);
comment on table botbox.fills is 'Executions as the exchange reported them, each booked once by the exchange''s own ids.';

create table botbox.ledger_entries (
  id bigint generated always as identity primary key,
  account_id bigint not null references botbox.accounts (id) on delete restrict,
  asset text not null,
  kind botbox.ledger_kind not null,
  amount botbox.amount not null,
  fill_id bigint references botbox.fills (id) on delete restrict,
  position_id bigint references botbox.positions (id) on delete restrict,
  reference text,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null default now(),
  constraint trading_entries_name_their_fill check ((kind in ('FILL', 'FEE')) = (fill_id is not null)),
  constraint ledger_references_are_unique unique (account_id, kind, reference)
);
create index ledger_entries_by_fill on botbox.ledger_entries (fill_id);
create index ledger_entries_by_position on botbox.ledger_entries (position_id);
create index ledger_entries_by_account on botbox.ledger_entries (account_id, asset, occurred_at desc);
comment on table botbox.ledger_entries is 'Every change of a booked balance; entries of an account and asset sum to account_balances.booked.';

-- The paper venue's own books: its truth about orders, as an exchange keeps its own.
create table botbox.paper_orders (
  id bigint generated always as identity primary key,
  account_id bigint not null references botbox.accounts (id) on delete cascade,
  instrument_id bigint not null references botbox.instruments (id) on delete restrict,
  client_order_id text not null unique,
  side botbox.side not null,
  quantity botbox.quantity not null,
  price botbox.price not null,
  fee botbox.quantity not null,
  fee_asset text not null,
  reduce_only boolean not null default false,
  filled_at timestamptz not null
);
create index paper_orders_by_account on botbox.paper_orders (account_id, filled_at);
create index paper_orders_by_instrument on botbox.paper_orders (instrument_id);
comment on table botbox.paper_orders is 'Market orders that the paper venue filled, whole and at once, at the price it saw; the venue''s books, not ours.';

create table botbox.paper_funding (
  account_id bigint not null references botbox.accounts (id) on delete cascade,
  instrument_id bigint not null references botbox.instruments (id) on delete restrict,
  funding_at timestamptz not null,
  amount botbox.amount not null,
  primary key (account_id, instrument_id, funding_at)
);
create index paper_funding_by_instrument on botbox.paper_funding (instrument_id);
comment on table botbox.paper_funding is 'Funding that paper accounts paid and received, settled once per funding time; the venue''s books, not ours.';

-- migrate:down
drop table botbox.paper_funding, botbox.paper_orders, botbox.ledger_entries, botbox.fills, botbox.order_transitions, botbox.orders, botbox.trade_queue, botbox.position_totals, botbox.positions;
