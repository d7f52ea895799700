-- What the orders are made of and booked by, and of which there is nothing for the day (tax_model has no days).
SELECT 'raw_sales' WHERE NOT EXISTS (SELECT 1 FROM raw_sales WHERE day = '{{ business_date(dag_run) }}')
UNION ALL
SELECT 'tax_model' WHERE NOT EXISTS (SELECT 1 FROM tax_model)
UNION ALL
SELECT 'master_region' WHERE NOT EXISTS (SELECT 1 FROM master_region WHERE day = '{{ business_date(dag_run) }}');
