-- Active users by region and experiment arm, beside those of the day before.
DELETE FROM stage_base_growth WHERE day = '{{ business_date(dag_run) }}';
INSERT INTO stage_base_growth
SELECT a.day, a.region, a.experiment, a.variant, COUNT(DISTINCT a.user_id), SUM(a.sessions),
       (SELECT COUNT(DISTINCT p.user_id) FROM raw_activity p
        WHERE p.day = '{{ days_before(business_date(dag_run), 1) }}'
          AND p.region = a.region AND p.experiment = a.experiment AND p.variant = a.variant)
FROM raw_activity a
WHERE a.day = '{{ business_date(dag_run) }}'
GROUP BY a.day, a.region, a.experiment, a.variant;
