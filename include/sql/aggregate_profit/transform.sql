-- Company profit by region and category, for the day, the week and the month so far. Product B's orders are part of it.
-- Only days that base profit has: their costs without their sales would make a loss of them.
DELETE FROM stage_aggregate_profit WHERE day = '{{ business_date(dag_run) }}';
{% for period, first, _ in periods(business_date(dag_run)) %}
INSERT INTO stage_aggregate_profit
SELECT '{{ business_date(dag_run) }}', '{{ period }}', '{{ first }}', p.region, p.category, SUM(p.revenue), SUM(p.tax), SUM(p.cost),
       SUM(p.revenue - p.tax - p.cost)
FROM (
    SELECT region, category, revenue_cents AS revenue, CASE
               WHEN tax_code IN ({% include 'aggregate_profit/known_taxes.sql' %}) THEN tax_cents END AS tax, 0 AS cost
    FROM base_profit WHERE day BETWEEN '{{ first }}' AND '{{ business_date(dag_run) }}'
    UNION ALL
    SELECT region, category, revenue_cents, 0, 0
    FROM raw_product_b WHERE day BETWEEN '{{ first }}' AND '{{ business_date(dag_run) }}' AND day IN (SELECT day FROM base_profit)
    UNION ALL
    SELECT region, category, 0, 0, cost_cents
    FROM raw_costs WHERE day BETWEEN '{{ first }}' AND '{{ business_date(dag_run) }}' AND day IN (SELECT day FROM base_profit)
) p
GROUP BY p.region, p.category;
{% endfor %}
