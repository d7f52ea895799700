-- Sources of which nothing arrived for the day, though nothing failed: profit without them would look like profit.
SELECT 'base_profit' WHERE NOT EXISTS (SELECT 1 FROM base_profit WHERE day = '{{ business_date(dag_run) }}')
UNION ALL
SELECT 'Product B' WHERE NOT EXISTS (SELECT 1 FROM raw_product_b WHERE day = '{{ business_date(dag_run) }}')
UNION ALL
SELECT 'costs' WHERE NOT EXISTS (SELECT 1 FROM raw_costs WHERE day = '{{ business_date(dag_run) }}')
UNION ALL
SELECT 'tax_model' WHERE NOT EXISTS (SELECT 1 FROM tax_model);
