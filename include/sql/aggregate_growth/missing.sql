-- Without sales_force there is no growth, and without master data nobody can say whose it is.
SELECT 'sales_force' WHERE NOT EXISTS (SELECT 1 FROM raw_sales_force WHERE day = '{{ business_date(dag_run) }}')
UNION ALL
SELECT 'master_region' WHERE NOT EXISTS (SELECT 1 FROM master_region WHERE day = '{{ business_date(dag_run) }}');
