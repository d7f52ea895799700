-- Events a user, without what is known to be an attack.
DELETE FROM stage_base_engagement WHERE day = '{{ business_date(dag_run) }}';
INSERT INTO stage_base_engagement
SELECT w.day, w.user_id, SUM(w.events)
FROM raw_web_events w
WHERE w.day = '{{ business_date(dag_run) }}' AND w.referrer NOT IN (SELECT referrer FROM ddos_referrer)
GROUP BY w.day, w.user_id;
