-- What the arms are counted from, and of which there is nothing for the day (experiment has no days).
SELECT 'raw_activity' WHERE NOT EXISTS (SELECT 1 FROM raw_activity WHERE day = '{{ business_date(dag_run) }}')
UNION ALL
SELECT 'experiment' WHERE NOT EXISTS (SELECT 1 FROM experiment);
