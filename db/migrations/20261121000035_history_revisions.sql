-- migrate:up
alter table botbox.feeds
  add column history_revision bigint not null default 0,
  add column funding_revision bigint not null default 0;
comment on column botbox.feeds.history_revision is
  'Grows when a candle changes that is not new: corrected, late, backfilled; the newest minute aside. While it stands still, a held window lacks new candles only.';
comment on column botbox.feeds.funding_revision is 'Grows with every change of its funding rates, so that caches know.';

-- migrate:down
alter table botbox.feeds drop column history_revision, drop column funding_revision;
