"""Outliers are a warning to people, in Slack: the pipeline goes on, nobody is woken."""

from __future__ import annotations

import logging
import os
from contextlib import closing
from typing import Any

from airflow.sdk import BaseHook, get_current_context, task

from pipeline_kit import settings
from pipeline_kit.calendar_days import MACROS

log = logging.getLogger(__name__)

CHANNEL = os.environ.get("PIPELINES_WARNINGS_CHANNEL", "#data-alerts")


@task(retries=0)
def warn_of_outliers(file: str) -> list[str]:
    """Tell Slack which referrers a query names as suspects. → the referrers, for the run's record.

    Silent once they stand in ``ddos_referrer``. A Slack that does not answer leaves a warning in the log, no more.
    """
    from airflow.providers.slack.hooks.slack import SlackHook
    from jinja2 import Environment

    context = get_current_context()
    template = Environment(autoescape=False).from_string((settings.SQL_FOLDER / file).read_text())  # noqa: S701 - SQL
    query = template.render(**MACROS, dag_run=context["dag_run"])
    hook: Any = BaseHook.get_hook(settings.CONNECTION)
    with closing(hook.get_conn()) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(query)
        suspects = sorted(str(row[0]) for row in cursor.fetchall())
    if suspects:
        text = (
            f"web_events: unusual traffic from {', '.join(suspects)}. If it is an attack, add the referrer to "
            'ddos_referrer (runbook aggregate_engagement, section "Outlier"): the next run leaves it out and counts it.'
        )
        log.warning("%s", text)
        try:
            SlackHook(slack_conn_id="slack_api_default").call(
                "chat.postMessage", json={"channel": CHANNEL, "text": text}
            )
        except Exception:
            log.exception("the warning could not be posted to %s", CHANNEL)
    return suspects
