-- migrate:up

-- The list of all checks is in the order in which they were due. Without this a page of it reads and sorts every check that is kept, a hundred
-- million at 100,000 one-minute bots; with it the checks of one minute. Of the time alone: equal keys are kept once, so that it stays a
-- hundredth of the table, and a batch of checks goes to its right end.
create index checks_by_due on botbox.checks (due_at desc);

-- migrate:down

drop index botbox.checks_by_due;
