"""Daybreak's plugin for a plugins-folder deployment. An installed package declares it by entry point instead."""

from daybreak.surfaces.plugin import installed_as_package

if not installed_as_package():
    from daybreak.surfaces.plugin import DaybreakPlugin  # noqa: F401 - Airflow looks for it in this module
