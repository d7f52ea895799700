-- How much of the day's traffic came from referrers that people have classified as attacks.
DELETE FROM web_anomaly WHERE day = '{{ business_date(dag_run) }}';
INSERT INTO web_anomaly
SELECT w.day, w.referrer, d.why, SUM(w.events), COUNT(DISTINCT w.user_id), CURRENT_TIMESTAMP
FROM raw_web_events w JOIN ddos_referrer d ON d.referrer = w.referrer
WHERE w.day = '{{ business_date(dag_run) }}'
GROUP BY w.day, w.referrer, d.why;
