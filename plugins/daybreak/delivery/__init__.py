"""Delivery: what was decided becomes pages in Opsgenie (or Jira Service Management) and messages in Slack.

:mod:`.plan` renders, :mod:`daybreak.store.outbox` keeps, :mod:`.sender` sends. Airflow's callbacks, which have neither
store nor monitor, render with :mod:`.page` and send through :mod:`.opsgenie`. Importing this package costs nothing.
"""
