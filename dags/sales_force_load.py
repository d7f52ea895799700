"""Sales Force's opportunities and accounts of the day: the upstream that aggregate growth waits for.

Belongs to another team, so no pipeline claims it. To rehearse a late morning, set the Airflow Variable
``sales_force_arrives_at`` to an instant, or to ``never``.
"""

from __future__ import annotations

from pipeline_kit.daily import daily_dag
from pipeline_kit.landing import arrived, land

with daily_dag("sales_force_load", description="Sales Force's opportunities of the day land in the warehouse"):
    arrived("sales_force") >> land(["raw_sales_force"])
