"""Master data of the day: which business unit answers for which region.

For: ``profit_base`` and ``growth_base``, which wait for it with an UpstreamReadySensor. Expected by 04:00 UTC, daily.
Belongs to another team (Master data), so no pipeline claims it: its delay becomes that team's ticket.
To rehearse a late morning, set the Airflow Variable ``master_data_arrives_at`` to an instant, or to ``never``.
"""

from __future__ import annotations

from pipeline_kit.daily import daily_dag
from pipeline_kit.landing import arrived, land

with daily_dag("master_data_load", description="Regions and business units of the day land in the warehouse"):
    arrived("master_data") >> land(["master_region"])
