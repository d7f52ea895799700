"""Master data of the day: which business unit answers for which region.

Belongs to another team, so no pipeline claims it. To rehearse a late morning, set the Airflow Variable
``master_data_arrives_at`` to an instant, or to ``never``.
"""

from __future__ import annotations

from pipeline_kit.daily import daily_dag
from pipeline_kit.landing import arrived, land

with daily_dag("master_data_load", description="Regions and business units of the day land in the warehouse"):
    arrived("master_data") >> land(["master_region"])
