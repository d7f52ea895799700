-- Sources of which nothing arrived for the day, though nothing failed: users of nobody, or no accounts.
SELECT 'base_engagement' WHERE NOT EXISTS (SELECT 1 FROM base_engagement WHERE day = '{{ business_date(dag_run) }}')
UNION ALL
SELECT 'raw_web_events' WHERE NOT EXISTS (SELECT 1 FROM raw_web_events WHERE day = '{{ business_date(dag_run) }}')
UNION ALL
SELECT 'raw_crm_accounts' WHERE NOT EXISTS (SELECT 1 FROM raw_crm_accounts WHERE day = '{{ business_date(dag_run) }}');
