"""How long Airflow's processes wait for one another at a SQLite database, in which one writes at a time.

On SQLite a request to Airflow's API server can wait for another of the same server that cannot go on meanwhile: both
stand still for as long as this. Ten seconds are enough for any writer, and less than what tasks try again (27 s) and
than the silence after which a scheduler counts as down (30 s).
"""

CONNECT_ARGS = {"timeout": 10}
