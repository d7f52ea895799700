-- Referrers with more than ten times the events a visitor that the day's others have, and not yet in ddos_referrer.
SELECT r.referrer
FROM (SELECT referrer, SUM(events) AS events, COUNT(DISTINCT user_id) AS users
      FROM raw_web_events WHERE day = '{{ business_date(dag_run) }}' GROUP BY referrer) r
WHERE r.referrer NOT IN (SELECT referrer FROM ddos_referrer)
  AND r.events > 10 * r.users * (
      SELECT AVG(o.events) FROM raw_web_events o
      WHERE o.day = '{{ business_date(dag_run) }}' AND o.referrer <> r.referrer);
