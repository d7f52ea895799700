-- Regions add up: the day's figures, beside the same computed once more without regions.
SELECT 'revenue of the day: parts ' || a.revenue || ', whole ' || b.revenue
FROM (SELECT COALESCE(SUM(revenue_cents), 0) AS revenue FROM stage_aggregate_profit
      WHERE day = '{{ business_date(dag_run) }}' AND period = 'day') a,
     (SELECT COALESCE((SELECT SUM(revenue_cents) FROM base_profit WHERE day = '{{ business_date(dag_run) }}'), 0)
           + COALESCE((SELECT SUM(revenue_cents) FROM raw_product_b WHERE day = '{{ business_date(dag_run) }}'), 0) AS revenue) b
WHERE a.revenue <> b.revenue OR b.revenue = 0;
