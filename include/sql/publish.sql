-- The one way into a published table (the task's outlet names it). Both statements are one transaction, so readers see
-- the old day or the new one, never half of either.
DELETE FROM {{ task.outlets[0].name }} WHERE day = '{{ business_date(dag_run) }}';
INSERT INTO {{ task.outlets[0].name }}
SELECT s.*, CURRENT_TIMESTAMP FROM stage_{{ task.outlets[0].name }} s WHERE s.day = '{{ business_date(dag_run) }}';
