"""Daybreak: knows who owns each data pipeline, by when its data is due, and pages the person on call.

The flow has one direction: ``include/ownership.yaml`` → :mod:`daybreak.config` → :mod:`daybreak.domain` →
:mod:`daybreak.monitor` → :mod:`daybreak.store` and the outbox → :mod:`daybreak.delivery`.
"""

__version__ = "0.1.0"
