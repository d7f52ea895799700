-- Growth of each experiment arm against the day before, in basis points.
DELETE FROM stage_daily_growth WHERE day = '{{ business_date(dag_run) }}';
INSERT INTO stage_daily_growth
SELECT day, experiment, variant, SUM(users), SUM(previous_users),
       CASE WHEN SUM(previous_users) > 0
            THEN 10000 * (SUM(users) - SUM(previous_users)) / SUM(previous_users) END
FROM base_growth
WHERE day = '{{ business_date(dag_run) }}'
GROUP BY day, experiment, variant;
