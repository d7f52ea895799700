"""What our own tables and the reading of Airflow's have in common: engines, short transactions, column types."""
