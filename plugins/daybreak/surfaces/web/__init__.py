"""Daybreak's pages inside Airflow's API server: runbooks, and a health answer for probes."""
