-- migrate:up

-- A claim takes the first few of the queue and must not read the rest: two indexes in the order in which it is worked off, one for each
-- of its halves, with the account beside, so that trades of accounts that may not send are passed over without reading their rows. What asks
-- for everything that waits finds it by trade_queue_live_by_account.
drop index botbox.trade_queue_to_claim;
create index trade_queue_closes_to_claim
  on botbox.trade_queue (queued_at, account_id)
  where status = 'PENDING' and direction = 'CLOSE';
create index trade_queue_entries_to_claim
  on botbox.trade_queue (queued_at, account_id)
  where status = 'PENDING' and direction <> 'CLOSE';

-- Each change of a trade's status writes every index anew, since some are of one status only. Entries have no position, and only what came to
-- nothing has a reason: the indexes of both leave the others out.
drop index botbox.trade_queue_by_position, botbox.trade_queue_by_reason;
create index trade_queue_by_position on botbox.trade_queue (position_id) where position_id is not null;
create index trade_queue_by_reason on botbox.trade_queue (reason_code) where reason_code is not null;

-- migrate:down

drop index botbox.trade_queue_by_position, botbox.trade_queue_by_reason;
create index trade_queue_by_position on botbox.trade_queue (position_id);
create index trade_queue_by_reason on botbox.trade_queue (reason_code);

drop index botbox.trade_queue_closes_to_claim, botbox.trade_queue_entries_to_claim;
create index trade_queue_to_claim
  on botbox.trade_queue ((direction <> 'CLOSE'), queued_at)
  where status = 'PENDING';
