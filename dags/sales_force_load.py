"""Sales Force's opportunities and accounts of the day: the upstream that aggregate growth waits for.

For: ``aggregate_growth``, which waits for it with an UpstreamReadySensor. Expected by 05:00 UTC, daily.
Belongs to another team (Sales Force's data engineers), so no pipeline claims it: its delay becomes that team's ticket.
To rehearse a late morning, set the Airflow Variable ``sales_force_arrives_at`` to an instant, or to ``never``.
"""

from __future__ import annotations

from pipeline_kit.daily import daily_dag
from pipeline_kit.landing import arrived, land

with daily_dag("sales_force_load", description="Sales Force's opportunities of the day land in the warehouse"):
    arrived("sales_force") >> land(["raw_sales_force"])
