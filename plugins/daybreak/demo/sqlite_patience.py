"""How long Airflow's processes wait for one another at a SQLite database, in which one writes at a time."""

CONNECT_ARGS = {"timeout": 30}
