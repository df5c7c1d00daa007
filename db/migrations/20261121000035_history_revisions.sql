-- migrate:up
alter table botbox.feeds add column history_revision bigint not null default 0;
comment on column botbox.feeds.history_revision is
  'Grows when candles change that are not the newest of their timeframe: corrected, late, backfilled. As long as it stands still, a held window lacks new candles only.';

-- migrate:down
alter table botbox.feeds drop column history_revision;
