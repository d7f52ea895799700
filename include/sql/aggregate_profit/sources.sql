-- What the day's sources hold twice, and amounts in another currency: both would be added up without a word.
SELECT 'Product B, ' || region || ' ' || category FROM raw_product_b
WHERE day = '{{ business_date(dag_run) }}' GROUP BY region, category HAVING COUNT(*) > 1
UNION ALL
SELECT 'costs, ' || region || ' ' || category || ' ' || kind FROM raw_costs
WHERE day = '{{ business_date(dag_run) }}' GROUP BY region, category, kind HAVING COUNT(*) > 1
UNION ALL
SELECT DISTINCT 'Product B in ' || currency FROM raw_product_b
WHERE day = '{{ business_date(dag_run) }}' AND currency <> 'EUR';
