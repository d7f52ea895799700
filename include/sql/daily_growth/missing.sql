-- No users of any arm for the day: there is nothing to compare with the day before.
SELECT 'base_growth' WHERE NOT EXISTS (SELECT 1 FROM base_growth WHERE day = '{{ business_date(dag_run) }}');
