-- Experiment tags on orders that nobody registered.
SELECT DISTINCT s.experiment FROM stage_unit_profit s
WHERE s.day = '{{ business_date(dag_run) }}' AND s.experiment NOT IN (SELECT experiment FROM experiment);
