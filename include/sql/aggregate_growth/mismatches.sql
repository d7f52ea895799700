-- Business units that sales_force and master data do not agree on.
SELECT DISTINCT s.region || ' reported by ' || s.business_unit
FROM stage_aggregate_growth s
LEFT JOIN master_region m ON m.day = s.day AND m.region = s.region AND m.business_unit = s.business_unit
WHERE s.day = '{{ business_date(dag_run) }}' AND m.region IS NULL;
