# Airflow's own image with Daybreak and what it needs. Dags and the registry are mounted, see docker-compose.yaml.
FROM apache/airflow:3.3.2-python3.11

COPY --chown=airflow:root requirements.txt pyproject.toml README.md LICENSE /opt/daybreak/
COPY --chown=airflow:root plugins /opt/daybreak/plugins

# First what belongs to Airflow, at the versions its image was built with. Naming apache-airflow itself keeps pip from
# changing it.
RUN pip install --no-cache-dir --constraint "${HOME}/constraints.txt" "apache-airflow==${AIRFLOW_VERSION}" \
      apache-airflow-providers-celery apache-airflow-providers-fab apache-airflow-providers-postgres \
      apache-airflow-providers-standard apache-airflow-providers-common-sql \
      apache-airflow-providers-opsgenie apache-airflow-providers-slack

# Then Daybreak, and what Airflow does not bring at the versions Daybreak is tested with. A provider that is older than
# Daybreak needs is raised here; `pip check` fails the build rather than the morning.
RUN grep -E '^(holidays|icalendar|nh3)==' /opt/daybreak/requirements.txt > /tmp/own.txt \
 && pip install --no-cache-dir "apache-airflow==${AIRFLOW_VERSION}" -r /tmp/own.txt /opt/daybreak \
 && rm /tmp/own.txt \
 && pip check \
 && daybreak --help > /dev/null

USER airflow
