-- Growth by region and business unit, for the day, the week and the month so far, against the period before.
-- The casts: a sum is a fraction to one database and whole to the other, and they would round differently.
DELETE FROM stage_aggregate_growth WHERE day = '{{ business_date(dag_run) }}';
{% for period, first, before in periods(business_date(dag_run)) %}
INSERT INTO stage_aggregate_growth
SELECT '{{ business_date(dag_run) }}', '{{ period }}', '{{ first }}', g.region, g.business_unit,
       SUM(g.accounts), SUM(g.revenue), SUM(g.previous),
       CASE WHEN SUM(g.previous) > 0
            THEN 10000 * CAST(SUM(g.revenue) - SUM(g.previous) AS BIGINT) / CAST(SUM(g.previous) AS BIGINT) END
FROM (
    SELECT region, business_unit, new_accounts AS accounts, revenue_cents AS revenue, 0 AS previous
    FROM raw_sales_force WHERE day BETWEEN '{{ first }}' AND '{{ business_date(dag_run) }}'
    UNION ALL
    SELECT region, business_unit, 0, 0, revenue_cents
    FROM raw_sales_force WHERE day >= '{{ before }}' AND day < '{{ first }}'
) g
GROUP BY g.region, g.business_unit;
{% endfor %}
