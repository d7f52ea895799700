"""Delivery: what was decided becomes pages in Opsgenie (or Jira Service Management) and messages in Slack.

:mod:`.plan` renders, :mod:`daybreak.store.outbox` keeps, :mod:`.sender` sends; :mod:`.quick` is the way of Airflow's
callbacks, which have neither store nor monitor. Importing this package costs nothing.
"""
