"""Alembic's folder: what makes and changes Daybreak's tables, in order. Run by :mod:`daybreak.store.migrate`."""
