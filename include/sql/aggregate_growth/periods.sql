-- Reporting periods that do not agree: a business unit that reports for the month and not for the day, a longer period
-- that holds less than a shorter one, a day before without which growth cannot be told.
SELECT s.region || ' ' || s.business_unit || ' reports nothing for the day'
FROM stage_aggregate_growth s
WHERE s.day = '{{ business_date(dag_run) }}'
GROUP BY s.region, s.business_unit
HAVING SUM(CASE WHEN s.period = 'day' THEN s.revenue_cents ELSE 0 END) = 0
UNION ALL
SELECT s.region || ' ' || s.business_unit || ': the ' || s.period || ' holds less than the day'
FROM stage_aggregate_growth s
JOIN stage_aggregate_growth d ON d.day = s.day AND d.region = s.region AND d.business_unit = s.business_unit
WHERE s.day = '{{ business_date(dag_run) }}' AND d.period = 'day' AND s.revenue_cents < d.revenue_cents
UNION ALL
SELECT s.region || ' ' || s.business_unit || ' reported nothing for the day before'
FROM stage_aggregate_growth s
WHERE s.day = '{{ business_date(dag_run) }}' AND s.period = 'day' AND s.previous_revenue_cents = 0;
