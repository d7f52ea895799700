-- Profit of each unit in each experiment arm: revenue less tax.
DELETE FROM stage_unit_profit WHERE day = '{{ business_date(dag_run) }}';
INSERT INTO stage_unit_profit
SELECT day, experiment, variant, unit_id, COUNT(*), SUM(revenue_cents - tax_cents)
FROM base_profit
WHERE day = '{{ business_date(dag_run) }}' AND experiment IS NOT NULL
GROUP BY day, experiment, variant, unit_id;
