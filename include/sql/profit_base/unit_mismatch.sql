-- Orders booked to another business unit than master data gives their region.
SELECT DISTINCT s.region || ' booked to ' || s.business_unit
FROM stage_base_profit s
LEFT JOIN master_region m ON m.day = s.day AND m.region = s.region AND m.business_unit = s.business_unit
WHERE s.day = '{{ business_date(dag_run) }}' AND m.region IS NULL;
