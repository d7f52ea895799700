"""How the two channels are reached: hosts, keys, proxies, time-outs. No ``repr`` of these shows a secret.

:mod:`daybreak.airflow_io.connections` fills them from Airflow's connections with the two ``..._from`` functions below.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from daybreak.domain.registry import Dialect
from daybreak.errors import SettingsError

OPSGENIE_HOST = "https://api.opsgenie.com"
JSM_HOST = "https://api.atlassian.com"
JSM_PATH = "/jsm/ops/integration"
SLACK_BASE = "https://slack.com/api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds. ``total`` bounds one request from the look-up of the host's name to the last byte of the answer."""

    connect: float = 3.0
    read: float = 10.0
    total: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """What both channels' HTTP clients need to know besides the address."""

    proxy: str | None = field(default=None, repr=False)  # may hold a password
    ca_bundle: str | None = None  # path of a PEM file; None: the environment's, else the usual authorities
    timeouts: Timeouts = field(default_factory=Timeouts)


@dataclass(frozen=True, slots=True, kw_only=True)
class JsmOpsSettings:
    """JSM's operations API (heartbeats, who is on call, reading alerts): Basic authentication of a person's token."""

    base_url: str  # https://api.atlassian.com/jsm/ops/api/{cloudId}/v1
    user: str
    token: str = field(repr=False)
    team: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpsgenieSettings:
    """One Opsgenie or JSM integration. ``base_url`` has no trailing slash."""

    key: str = field(repr=False)
    base_url: str = OPSGENIE_HOST
    dialect: Dialect = "opsgenie"
    wire: Wire = field(default_factory=Wire)
    jsm: JsmOpsSettings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSettings:
    """One Slack app. ``base_url`` has no trailing slash."""

    token: str = field(repr=False)
    base_url: str = SLACK_BASE
    wire: Wire = field(default_factory=Wire)


def opsgenie_from(
    name: str,
    *,
    password: str | None,
    host: str | None = None,
    schema: str | None = None,
    port: int | None = None,
    extra: Mapping[str, Any] | None = None,
    dialect: Dialect = "opsgenie",
    jsm: JsmOpsSettings | None = None,
) -> OpsgenieSettings:
    """The settings that the Airflow connection ``name`` (type ``opsgenie``) holds.

    ``extra`` may hold ``proxy``, ``ca_bundle``, ``connect_timeout``, ``read_timeout``, ``total_timeout`` and
    ``allow_http`` (the names of hosts, besides loopback, to which the key may be sent in the clear).

    :raises SettingsError: no key, or an address that is not one or not safe.
    """
    extra = extra or {}
    if not password:
        raise SettingsError(f"connection {name!r} has no password: set it to the Opsgenie integration's API key")
    default = OPSGENIE_HOST if dialect == "opsgenie" else JSM_HOST
    base = base_url(name, host, schema=schema, port=port, default=default, allow_http=allowed(extra))
    if dialect == "jsm" and not base.endswith(JSM_PATH):
        base += JSM_PATH
    return OpsgenieSettings(key=_one_line(name, password), base_url=base, dialect=dialect, wire=_wire(extra), jsm=jsm)


def jsm_ops_from(
    name: str,
    *,
    login: str | None,
    password: str | None,
    cloud_id: str,
    team: str | None,
    host: str | None = None,
    schema: str | None = None,
    port: int | None = None,
    extra: Mapping[str, Any] | None = None,
) -> JsmOpsSettings:
    """The settings of JSM's operations API from the Airflow connection ``name``.

    :raises SettingsError: no login, no password, or an address that is not one or not safe.
    """
    if not login or not password:
        raise SettingsError(f"connection {name!r} needs a login (e-mail address) and a password (API token)")
    base = base_url(name, host, schema=schema, port=port, default=JSM_HOST, allow_http=allowed(extra or {}))
    for path in (JSM_PATH, "/jsm/ops/api"):
        base = base.removesuffix(path)
    return JsmOpsSettings(
        base_url=f"{base}/jsm/ops/api/{cloud_id}/v1", user=login, token=_one_line(name, password), team=team
    )


def slack_from(name: str, *, password: str | None, extra: Mapping[str, Any] | None = None) -> SlackSettings:
    """The settings that the Airflow connection ``name`` (type ``slack``) holds; ``extra`` as the provider defines it
    (``base_url``, ``proxy``, ``timeout``), and ours as for Opsgenie.

    :raises SettingsError: no token, or an address that is not one or not safe.
    """
    extra = extra or {}
    if not password:
        raise SettingsError(f"connection {name!r} has no password: set it to the Slack app's bot token (xoxb-...)")
    base = base_url(name, _text(extra, "base_url"), default=SLACK_BASE, allow_http=allowed(extra))
    return SlackSettings(token=_one_line(name, password), base_url=base, wire=_wire(extra))


def base_url(
    name: str,
    host: str | None,
    *,
    schema: str | None = None,
    port: int | None = None,
    default: str,
    allow_http: frozenset[str] = frozenset(),
) -> str:
    """``host`` as an address without trailing slash. Without a scheme it is HTTPS; plain HTTP is for loopback and for
    hosts that ``allow_http`` names, since the key travels with every request.

    :raises SettingsError: plain HTTP to anywhere else, another scheme, or no host at all.
    """
    text = (host or "").strip() or default
    if "://" not in text:
        text = f"{schema if schema in ('http', 'https') else 'https'}://{text}"
    try:
        parts = urlsplit(text)
        named, given_port = parts.hostname, parts.port
    except ValueError:
        parts, named, given_port = urlsplit(""), None, None
    if parts.scheme not in ("http", "https") or not named or parts.username or parts.password or any(map(_odd, text)):
        raise SettingsError(f"connection {name!r}: its host is not an https:// address without user and password")
    if parts.scheme == "http" and not is_loopback(named) and named not in allow_http:
        raise SettingsError(
            f"connection {name!r}: plain http to {named} would send the key in the clear: use https, "
            f'or name the host in the extra: {{"allow_http": ["{named}"]}}'
        )
    shown = f"[{named}]" if ":" in named else named
    ports = given_port or port
    return f"{parts.scheme}://{shown}{f':{ports}' if ports else ''}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine by its name or number."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def allowed(extra: Mapping[str, Any]) -> frozenset[str]:
    """The hosts of ``allow_http``: one name, or a list of them."""
    value = extra.get("allow_http")
    names = [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []
    return frozenset(str(each).strip().lower() for each in names)


def _wire(extra: Mapping[str, Any]) -> Wire:
    usual = Timeouts()
    read = _seconds(extra, "read_timeout", _seconds(extra, "timeout", usual.read))
    return Wire(
        proxy=_text(extra, "proxy"),
        ca_bundle=_text(extra, "ca_bundle"),
        timeouts=Timeouts(
            connect=_seconds(extra, "connect_timeout", usual.connect),
            read=read,
            total=_seconds(extra, "total_timeout", max(usual.total, read)),
        ),
    )


def _seconds(extra: Mapping[str, Any], key: str, usual: float) -> float:
    try:
        value = float(extra.get(key) or usual)
    except (TypeError, ValueError):
        raise SettingsError(f"extra {key!r} is a number of seconds, not {extra.get(key)!r}") from None
    return value if 0 < value <= 60 else usual  # a time-out that never comes is none


def _text(extra: Mapping[str, Any], key: str) -> str | None:
    value = extra.get(key)
    return value.strip() or None if isinstance(value, str) else None


def _one_line(name: str, secret: str) -> str:
    """A key as it may stand in a header: a line break at its end is what copying from a file leaves."""
    secret = secret.strip()
    if not secret or not secret.isascii() or any(map(_odd, secret)):
        raise SettingsError(f"connection {name!r}: its password holds blanks or other characters that no key has")
    return secret


def _odd(character: str) -> bool:
    return character.isspace() or ord(character) < 32
