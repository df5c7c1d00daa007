-- migrate:up
create table botbox.sessions (
  id bigint generated always as identity primary key,
  session_hash bytea not null unique,
  token_id bigint references botbox.api_tokens (id) on delete cascade,
  role botbox.token_role,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  constraint session_has_a_token_or_a_role check ((token_id is null) = (role is not null)),
  constraint session_expires_after_creation check (expires_at > created_at)
);
create index sessions_by_token on botbox.sessions (token_id);
create index sessions_by_expiry on botbox.sessions (expires_at);
comment on table botbox.sessions is 'Browsers that are logged in, by the SHA-256 of their cookie; one of a token ends with it.';
comment on column botbox.sessions.id is 'Number of the session.';
comment on column botbox.sessions.session_hash is 'SHA-256 of the secret in the cookie.';
comment on column botbox.sessions.token_id is 'The token that it was opened with; null for a login code.';
comment on column botbox.sessions.role is 'What it allows where it was opened with a login code; otherwise the token says it.';
comment on column botbox.sessions.created_at is 'When it was opened.';
comment on column botbox.sessions.expires_at is 'From then on it is refused.';
comment on column botbox.sessions.ended_at is 'When somebody logged out.';

create table botbox.login_codes (
  code_hash bytea primary key,
  role botbox.token_role not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz,
  constraint login_code_expires_after_creation check (expires_at > created_at)
);
comment on table botbox.login_codes is 'Codes of login links, as SHA-256: each opens one session, once.';
comment on column botbox.login_codes.code_hash is 'SHA-256 of the code.';
comment on column botbox.login_codes.role is 'What its session allows.';
comment on column botbox.login_codes.created_at is 'When it was made.';
comment on column botbox.login_codes.expires_at is 'From then on it is refused.';
comment on column botbox.login_codes.used_at is 'When it opened its session.';

create table botbox.idempotent_requests (
  actor text not null,
  idempotency_key text not null constraint idempotency_key_is_short check (length(idempotency_key) between 1 and 200),
  request_hash bytea not null,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  status integer constraint kept_answer_is_no_failure check (status between 200 and 499),
  location text,
  body text,
  primary key (actor, idempotency_key),
  constraint finished_request_has_its_status check ((finished_at is null) = (status is null))
);
create index idempotent_requests_by_start on botbox.idempotent_requests (started_at);
comment on table botbox.idempotent_requests is 'Answers to POST requests that carried an Idempotency-Key, given again when the request comes again; kept for a day.';
comment on column botbox.idempotent_requests.actor is 'Whose key it is, as the audit log names the caller.';
comment on column botbox.idempotent_requests.idempotency_key is 'The key that the caller chose.';
comment on column botbox.idempotent_requests.request_hash is 'SHA-256 of path and body: the same key with another request is a mistake.';
comment on column botbox.idempotent_requests.started_at is 'When the request came.';
comment on column botbox.idempotent_requests.finished_at is 'When it was answered; null while it is under way, or where the process died before it could answer.';
comment on column botbox.idempotent_requests.status is 'HTTP status of the answer.';
comment on column botbox.idempotent_requests.location is 'Location header of the answer, where it had one.';
comment on column botbox.idempotent_requests.body is 'Body of the answer, JSON.';

create table botbox.events (
  id bigint generated always as identity primary key,
  topic text not null constraint event_topic_is_known check (topic in ('checks', 'signals', 'trades', 'orders', 'positions', 'alerts')),
  keys text[] not null,
  at timestamptz not null default now()
);
create index events_by_time on botbox.events (at);
comment on table botbox.events is 'What changed, for the event streams of the API: one row per batch of checks and per change of anything else; kept for ten minutes.';
comment on column botbox.events.id is 'Counts on; a stream is resumed by it.';
comment on column botbox.events.topic is 'Which list the keys are of.';
comment on column botbox.events.keys is 'Keys of the rows that changed; of checks, the bots that were checked.';
comment on column botbox.events.at is 'When they changed; of checks, their recorded_at.';

create view reporting.audit_log as
select l.id as audit_id, l.at, l.actor, l.action, l.subject, l.before, l.after
  from botbox.audit_log l;
comment on view reporting.audit_log is 'Who changed what, with the values before and after; one row per change.';
comment on column reporting.audit_log.audit_id is 'Counts on.';
comment on column reporting.audit_log.at is 'When it was done.';
comment on column reporting.audit_log.actor is 'Who did it: a token, a user of the command line, or system.';
comment on column reporting.audit_log.action is 'What was done, as thing.verb.';
comment on column reporting.audit_log.subject is 'To which thing.';
comment on column reporting.audit_log.before is 'The values before; null where there were none.';
comment on column reporting.audit_log.after is 'The values after.';

-- migrate:down
drop view reporting.audit_log;
drop table botbox.events, botbox.idempotent_requests, botbox.login_codes, botbox.sessions;
