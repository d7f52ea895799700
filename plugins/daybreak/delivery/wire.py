"""One HTTP request and what its outcome means: sent, refused for good, or not now.

4xx but 408, 425 and 429 is final; 429, 5xx, and whatever the network does is for now, with the other side's
``Retry-After`` where it gave one. No message that leaves here holds a key, a header or a proxy's password.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from daybreak.config.channels import Wire, is_loopback
from daybreak.errors import DeliveryDelayed, DeliveryRefused, SettingsError

if TYPE_CHECKING:
    import ssl

    import httpx

LATER = frozenset({408, 425, 429})
LONGEST_WAIT = 900.0  # seconds: a Retry-After beyond it is not believed
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class HttpRefused(DeliveryRefused):
    """Refused for good with an HTTP status."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A taken request's answer. ``body`` is empty where the answer held no JSON object."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def open_client(base: str, wire: Wire, headers: Mapping[str, str]) -> httpx.AsyncClient:
    """A client for ``base``. Proxies and authorities come from the connection, else from the environment.

    :raises SettingsError: the CA bundle or the proxy cannot be used.
    """
    import httpx

    times = wire.timeouts
    verify = authorities(base, wire)
    try:
        return httpx.AsyncClient(
            headers=dict(headers),
            timeout=httpx.Timeout(times.read, connect=times.connect, pool=times.total),
            proxy=wire.proxy,
            verify=verify,
            # A proxy of the environment is for the world outside, not for this machine.
            trust_env=not is_loopback(urlsplit(base).hostname or ""),
            follow_redirects=False,
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=16),
        )
    except (ValueError, ImportError):
        raise SettingsError("the proxy of the connection cannot be used: write http://host:port") from None


def authorities(base: str, wire: Wire) -> ssl.SSLContext | Literal[False]:
    """Whom to believe about ``base``: the connection's CA bundle, the environment's, else the usual ones.

    False for plain HTTP: nothing is verified there, and reading the authorities would take 20 ms.

    :raises SettingsError: the CA bundle cannot be used.
    """
    import ssl

    import httpx

    if urlsplit(base).scheme != "https":
        return False
    named = wire.ca_bundle or next((os.environ[name] for name in _CA_VARIABLES if os.environ.get(name)), None)
    if named is None:
        return httpx.create_ssl_context()
    try:
        return ssl.create_default_context(cafile=named)
    except (OSError, ssl.SSLError):
        raise SettingsError(f"CA bundle {named!r} cannot be read: name a PEM file") from None


async def exchange(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    total: float,
    body: Mapping[str, Any] | None = None,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """The other side's answer, whatever its status.

    :raises DeliveryDelayed: there was none (name look-up, connection, time-out, broken off).
    """
    import httpx

    where = urlsplit(url).hostname or "the host"
    content = None if body is None else encode(body)
    sent = {**(headers or {}), **({"Content-Type": "application/json; charset=utf-8"} if body is not None else {})}
    try:
        async with asyncio.timeout(total):
            return await client.request(method, url, content=content, params=params, headers=sent)
    except (TimeoutError, httpx.TimeoutException) as error:
        raise no_answer(where, error) from None
    except (httpx.TransportError, OSError) as error:
        raise broken_off(where, error) from None
    except (httpx.HTTPError, httpx.InvalidURL, RuntimeError) as error:
        raise DeliveryDelayed(f"{where}: {_kind(error)}") from None


def no_answer(where: str, error: BaseException) -> DeliveryDelayed:
    return DeliveryDelayed(f"{where}: no answer in time ({_kind(error)})")


def broken_off(where: str, error: BaseException) -> DeliveryDelayed:
    return DeliveryDelayed(f"{where}: {_kind(error)}{_cause(error)}")


def encode(body: Mapping[str, Any]) -> bytes:
    """JSON in UTF-8. Lone surrogates, which UTF-8 cannot hold, become a replacement character."""
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def judge(response: httpx.Response, *, needs_json: bool = False) -> Answer:
    """What ``response`` means: see :func:`weigh`."""
    return weigh(
        response.status_code, response.headers, _object(response), page=_is_page(response), needs_json=needs_json
    )


def weigh(
    status: int, headers: Mapping[str, str], body: Mapping[str, Any] | None, *, page: bool, needs_json: bool = False
) -> Answer:
    """The answer, if the request was taken.

    :param headers: whatever the case of a name.
    :param body: the JSON object of the answer; None without one.
    :param page: it is (or might be) a page of HTML.
    :param needs_json: whether an answer without a JSON object says that somebody else (a gateway, a proxy's login
        page) spoke.
    :raises DeliveryRefused: for good; the text holds what the other side said.
    :raises DeliveryDelayed: for now.
    """
    if 200 <= status < 300:
        if body is None and (needs_json or page):
            raise DeliveryDelayed(f"HTTP {status} without JSON: something between answered")
        return Answer(status=status, body=body or {}, headers=headers)
    text = f"HTTP {status}{_said(body)}"
    foreign = body is None and page  # the services' own refusals are JSON: something between refused
    if status in LATER or status >= 500 or status < 400 or foreign:
        raise DeliveryDelayed(text, retry_after=retry_after(headers))
    raise HttpRefused(text, status=status)


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Seconds that ``Retry-After`` (a number or a date) asks for; None without one that makes sense."""
    given = headers.get("retry-after")
    if given is None:
        return None
    try:
        wait = float(given)
    except ValueError:
        try:
            wait = (parsedate_to_datetime(given) - (now or datetime.now(UTC))).total_seconds()
        except (TypeError, ValueError):
            return None
    return min(max(wait, 0.0), LONGEST_WAIT) if wait == wait else None  # NaN is no number of seconds


def _object(response: httpx.Response) -> dict[str, Any] | None:
    try:
        found = response.json()
    except (ValueError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_page(response: httpx.Response) -> bool:
    return "html" in response.headers.get("content-type", "") or response.content.lstrip()[:1] == b"<"


def _said(body: Mapping[str, Any] | None) -> str:
    """What Opsgenie's or Slack's error says, on one line, at most 300 characters."""
    if not body:
        return ""
    parts = [str(body[key]) for key in ("message", "error") if body.get(key)]
    errors = body.get("errors")
    if isinstance(errors, Mapping):
        parts += [f"{key}: {value}" for key, value in errors.items()]
    text = " ".join("; ".join(parts).split())
    return f": {text[:300]}" if text else ""


def _kind(error: BaseException) -> str:
    return type(error).__name__


def _cause(error: BaseException) -> str:
    """The system's own words for it (refused, name not known); they name no secret."""
    seen: BaseException | None = error
    for _ in range(8):
        if isinstance(seen, OSError) and seen.strerror:
            return f" ({seen.strerror})"
        seen = seen.__cause__ or seen.__context__ if seen else None
    return ""
