"""Daybreak's own tables: what was due and how it ended, incidents, the outbox, the lease.

By default they live in Airflow's metadata database, beside Airflow's tables and under a version table of their own;
``[daybreak] sql_alchemy_conn`` puts them elsewhere. SQLite and PostgreSQL.
"""
