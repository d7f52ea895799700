"""``daybreak demo`` and ``daybreak rehearse``: a morning on a real Airflow, driven from outside.

Nothing here calls delivery or the monitor, and the sandbox is only read: what the demo does is start processes, turn
Airflow's own knobs (pause, trigger, variables), change data in the warehouse and choose the clock times of a registry.
"""
