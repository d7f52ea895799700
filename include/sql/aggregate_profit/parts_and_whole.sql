-- Regions add up: revenue and costs of each period, beside the same computed once more without regions; and a day
-- without any revenue, of which nothing can be said.
{% for period, first, _ in periods(business_date(dag_run)) %}
SELECT 'revenue of the {{ period }}: parts ' || a.amount || ', whole ' || b.amount
FROM (SELECT COALESCE(SUM(revenue_cents), 0) AS amount FROM stage_aggregate_profit
      WHERE day = '{{ business_date(dag_run) }}' AND period = '{{ period }}') a,
     (SELECT COALESCE((SELECT SUM(revenue_cents) FROM base_profit
                       WHERE day BETWEEN '{{ first }}' AND '{{ business_date(dag_run) }}'), 0)
           + COALESCE((SELECT SUM(revenue_cents) FROM raw_product_b
                       WHERE day BETWEEN '{{ first }}' AND '{{ business_date(dag_run) }}'
                         AND day IN (SELECT day FROM base_profit)), 0) AS amount) b
WHERE a.amount <> b.amount OR b.amount = 0
UNION ALL
SELECT 'costs of the {{ period }}: parts ' || a.amount || ', whole ' || b.amount
FROM (SELECT COALESCE(SUM(cost_cents), 0) AS amount FROM stage_aggregate_profit
      WHERE day = '{{ business_date(dag_run) }}' AND period = '{{ period }}') a,
     (SELECT COALESCE(SUM(cost_cents), 0) AS amount FROM raw_costs
      WHERE day BETWEEN '{{ first }}' AND '{{ business_date(dag_run) }}'
        AND day IN (SELECT day FROM base_profit)) b
WHERE a.amount <> b.amount
{% if not loop.last %}UNION ALL{% endif %}
{% endfor %};
