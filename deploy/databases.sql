-- A database for each purpose, each with a user of its own that can reach no other. The PostgreSQL image runs this once,
-- when its volume is empty. Passwords come from the environment; without one of them it stops here.
\set ON_ERROR_STOP on
\getenv airflow_password AIRFLOW_DB_PASSWORD
\getenv celery_password CELERY_DB_PASSWORD
\getenv warehouse_password WAREHOUSE_DB_PASSWORD

CREATE ROLE airflow LOGIN PASSWORD :'airflow_password';
CREATE DATABASE airflow OWNER airflow;
REVOKE CONNECT ON DATABASE airflow FROM PUBLIC;

CREATE ROLE celery LOGIN PASSWORD :'celery_password';
CREATE DATABASE celery OWNER celery;
REVOKE CONNECT ON DATABASE celery FROM PUBLIC;

CREATE ROLE warehouse LOGIN PASSWORD :'warehouse_password';
CREATE DATABASE warehouse OWNER warehouse;
REVOKE CONNECT ON DATABASE warehouse FROM PUBLIC;
