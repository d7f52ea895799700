-- One row an order, with the tax that tax_model asks for.
DELETE FROM stage_base_profit WHERE day = '{{ business_date(dag_run) }}';
INSERT INTO stage_base_profit
SELECT s.day, s.order_id, s.unit_id, s.region, s.category, s.business_unit, s.currency, s.tax_code, s.experiment,
       s.variant, s.revenue_cents, s.revenue_cents * t.rate_bp / 10000
FROM raw_sales s LEFT JOIN tax_model t ON t.tax_code = s.tax_code
WHERE s.day = '{{ business_date(dag_run) }}';
