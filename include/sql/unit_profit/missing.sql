-- No orders for the day, none that belongs to an experiment, or no experiment at all: there is no unit to speak of.
SELECT 'base_profit' WHERE NOT EXISTS (SELECT 1 FROM base_profit WHERE day = '{{ business_date(dag_run) }}')
UNION ALL
SELECT 'experiment tags in base_profit' WHERE EXISTS (SELECT 1 FROM base_profit WHERE day = '{{ business_date(dag_run) }}')
  AND NOT EXISTS (SELECT 1 FROM base_profit WHERE day = '{{ business_date(dag_run) }}' AND experiment IS NOT NULL)
UNION ALL
SELECT 'experiment' WHERE NOT EXISTS (SELECT 1 FROM experiment);
