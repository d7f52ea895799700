"""The exceptions that Daybreak raises on purpose. Whatever else escapes is a defect.

DaybreakError
├── RegistryError        the registry cannot be used (file, path and remedy in the text)
│   └── RegistryMissing  there is no file where one was named
├── SettingsError        a configuration value or a connection is absent or wrong
├── StoreError           Daybreak's own tables cannot be reached, or are of another version
│   └── LeaseLost        another monitor holds the lease now: stop acting at once
├── AirflowUnreadable    Airflow's metadata database cannot be read
└── DeliveryError        a channel did not take a message
    ├── DeliveryRefused  for good: sending the same again cannot help
    └── DeliveryDelayed  for now: the same may be taken later
"""

from __future__ import annotations


class DaybreakError(Exception):
    """Base of all. ``str()`` is one line that a person can act on and never holds a secret."""


class RegistryError(DaybreakError):
    """The registry cannot be used; the text names the file, the dotted path and the remedy."""


class RegistryMissing(RegistryError):
    """There is no registry where one was named."""


class SettingsError(DaybreakError):
    """A configuration value, an environment variable or an Airflow connection is absent or wrong."""


class StoreError(DaybreakError):
    """Daybreak's own tables cannot be reached, or belong to another version."""


class LeaseLost(StoreError):
    """Another monitor holds the lease: whoever gets this must not send or record anything more."""


class AirflowUnreadable(DaybreakError):
    """Airflow's metadata database cannot be read."""


class DeliveryError(DaybreakError):
    """A channel did not take a message."""


class DeliveryRefused(DeliveryError):
    """Refused for good (4xx but 429, ``ok: false``): sending the same again cannot help."""


class DeliveryDelayed(DeliveryError):
    """Not taken now (429, 5xx, network): the same may be sent later.

    :param retry_after: seconds that the other side asked for, if it did.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
