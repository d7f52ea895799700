-- Amounts of two currencies must never be added up.
SELECT DISTINCT currency FROM stage_base_profit
WHERE day = '{{ business_date(dag_run) }}' AND currency <> 'EUR';
