"""Product B's orders of the day, by its own models: they must be there before aggregate profit starts.

For: ``aggregate_profit``, which waits for it with an UpstreamReadySensor. Expected by 04:30 UTC, daily.
Belongs to another team (Product B's data engineers), so no pipeline claims it: its delay becomes that team's ticket.
To rehearse a late morning, set the Airflow Variable ``product_b_arrives_at`` to an instant, or to ``never``.
"""

from __future__ import annotations

from pipeline_kit.daily import daily_dag
from pipeline_kit.landing import arrived, land

with daily_dag("product_b_load", description="Product B's orders of the day land in the warehouse"):
    arrived("product_b") >> land(["raw_product_b"])
