-- migrate:up
-- When the exchange last changed what an order in a market must satisfy: a refusal that follows such a change is not the end of an order.
alter table botbox.instruments add column figures_changed_at timestamptz;
comment on column botbox.instruments.figures_changed_at is
  'When a market list first stated another lot, tick, minimum, maximum or state than the one before; null: never since the instrument is known. Written by record_instruments.';

-- migrate:down
alter table botbox.instruments drop column figures_changed_at;
