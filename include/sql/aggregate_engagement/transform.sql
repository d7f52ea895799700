-- Active users of the day, the week and the month so far; users of the last 30 days; accounts that the CRM calls active.
-- DAU/MAU stands in the day's row only: the same division in the week's and the month's would be another figure (WAU/MAU,
-- the month so far against 30 days) under its name, so there it is null.
DELETE FROM stage_aggregate_engagement WHERE day = '{{ business_date(dag_run) }}';
{% for period, first, _ in periods(business_date(dag_run)) %}
INSERT INTO stage_aggregate_engagement
SELECT '{{ business_date(dag_run) }}', '{{ period }}', '{{ first }}', e.users, e.events, m.users,
       {% if period == 'day' %}CASE WHEN m.users > 0 THEN 10000 * e.users / m.users END{% else %}NULL{% endif %}, c.accounts
FROM (SELECT COUNT(DISTINCT user_id) AS users, COALESCE(SUM(events), 0) AS events
      FROM base_engagement WHERE day BETWEEN '{{ first }}' AND '{{ business_date(dag_run) }}') e,
     (SELECT COUNT(DISTINCT user_id) AS users FROM raw_web_events
      WHERE day BETWEEN '{{ days_before(business_date(dag_run), 29) }}' AND '{{ business_date(dag_run) }}'
        AND referrer NOT IN (SELECT referrer FROM ddos_referrer)) m,
     (SELECT COUNT(*) AS accounts FROM raw_crm_accounts
      WHERE day = '{{ business_date(dag_run) }}' AND status = 'active') c;
{% endfor %}
