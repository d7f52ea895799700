-- Experiment tags in the activity log that nobody registered.
SELECT DISTINCT s.experiment FROM stage_base_growth s
WHERE s.day = '{{ business_date(dag_run) }}' AND s.experiment NOT IN (SELECT experiment FROM experiment);
