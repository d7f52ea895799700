-- No web events for the day, or none but those of known attacks: a referrer too many stands in ddos_referrer.
SELECT 'raw_web_events' WHERE NOT EXISTS (SELECT 1 FROM raw_web_events WHERE day = '{{ business_date(dag_run) }}')
UNION ALL
SELECT 'raw_web_events without ddos_referrer' WHERE EXISTS (SELECT 1 FROM raw_web_events WHERE day = '{{ business_date(dag_run) }}')
  AND NOT EXISTS (SELECT 1 FROM raw_web_events WHERE day = '{{ business_date(dag_run) }}'
                  AND referrer NOT IN (SELECT referrer FROM ddos_referrer));
