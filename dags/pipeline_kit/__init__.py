"""What the dags share: settings, the daily dag, landing of raw data, checks. SQL stands in ``include/sql``."""
