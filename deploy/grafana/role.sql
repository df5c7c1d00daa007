-- The role that Grafana reads as, with the password of the environment: it sees schema reporting and nothing else. Safe to repeat.
\set ON_ERROR_STOP on
\set password ''
\set admin_password ''
\getenv password GRAFANA_DATABASE_PASSWORD
\getenv admin_password GRAFANA_ADMIN_PASSWORD
select length(:'password') < 12 or length(:'admin_password') < 12 as is_too_short \gset
\if :is_too_short
do $$ begin raise exception 'set GRAFANA_DATABASE_PASSWORD and GRAFANA_ADMIN_PASSWORD in .env, at least 12 characters each'; end $$;
\endif
select 'create role botbox_grafana login' where not exists (select from pg_roles where rolname = 'botbox_grafana') \gexec
alter role botbox_grafana login nosuperuser nocreatedb nocreaterole password :'password' connection limit 10;
grant botbox_readonly to botbox_grafana;
alter role botbox_grafana set default_transaction_read_only = on;
alter role botbox_grafana set statement_timeout = '15s';
