"""One call of Slack's Web API through slack_sdk's own client, and what came of it, in the words of :mod:`.wire`.

The client brings requests as Slack wants them; time-outs, authorities and the way out are those of the connection,
which takes a session of our own. What slack_sdk would log (a proxy with its password, bodies of messages) is not
logged, and none of its exceptions is passed on: they hold the request, and so the token.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from daybreak.config.channels import SlackSettings, Wire, is_loopback
from daybreak.delivery.wire import Answer, authorities, broken_off, encode, no_answer, weigh
from daybreak.errors import DeliveryDelayed, SettingsError

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient


def warm() -> None:
    """Import slack_sdk now (it takes a third of a second), so that no page waits for it at the moment it is due."""
    import slack_sdk.web.async_client  # noqa: F401


@asynccontextmanager
async def open_sdk(settings: SlackSettings) -> AsyncIterator[AsyncWebClient]:
    """slack_sdk's client for these settings, to be used in one event loop.

    :raises SettingsError: the CA bundle or the proxy cannot be used.
    """
    import aiohttp
    from slack_sdk.web.async_client import AsyncWebClient

    times, proxy = settings.wire.timeouts, _proxy(settings.base_url, settings.wire)
    trust = authorities(settings.base_url, settings.wire)
    tracing = aiohttp.TraceConfig()
    tracing.on_request_redirect.append(_refuse_redirect)
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=times.total, connect=times.connect, sock_read=times.read),
        # No limit: to wait for a free connection would count as connecting. Lanes bound what is sent at once.
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        json_serialize=lambda body: encode(body).decode("utf-8"),
        trace_configs=[tracing],
        trust_env=False,  # it would also read ~/.netrc, which does not go together with a token
    ) as session:
        client = AsyncWebClient(
            token=settings.token,
            base_url=f"{settings.base_url}/",  # without the slash the last part of the path is lost
            timeout=max(int(times.total), 1),
            ssl=trust or None,
            session=session,
            logger=_silent(),
            retry_handlers=[],  # the outbox retries, and knows when
        )
        client.proxy = proxy  # it has taken the environment's, NO_PROXY or not
        yield client


async def speak(client: AsyncWebClient, method: str, fields: Mapping[str, Any], *, form: bool) -> Answer:
    """Slack's answer, ``ok`` or not.

    :param form: send the fields in the query, which reading methods insist on.
    :raises DeliveryRefused, DeliveryDelayed: as :func:`daybreak.delivery.wire.judge` says.
    """
    import aiohttp
    from slack_sdk.errors import SlackClientError

    where = urlsplit(client.base_url).hostname or "the host"
    try:
        if form:
            answer = await client.api_call(method, http_verb="GET", params=dict(fields))
        else:
            answer = await client.api_call(method, json=dict(fields))
        told: Any = answer
    except SlackClientError as error:
        told = getattr(error, "response", None)
    except TimeoutError as error:
        told = no_answer(where, error)
    except aiohttp.ClientResponseError as error:
        told = DeliveryDelayed(f"HTTP {error.status}" if error.status else f"{where}: {type(error).__name__}")
    except (aiohttp.ClientError, OSError) as error:
        told = broken_off(where, error)
    except (ValueError, AttributeError, RuntimeError, RecursionError) as error:
        # AttributeError: an answer with status 200 that is text or a list, at which slack_sdk's own check stumbles.
        told = DeliveryDelayed(f"{where}: an answer that is none of Slack's ({type(error).__name__})")
    # Raised out here: an exception raised above would hold slack_sdk's as its context.
    if isinstance(told, DeliveryDelayed):
        raise told
    return _weighed(told)


def _weighed(response: Any) -> Answer:
    """:param response: slack_sdk's, or aiohttp's own where the body could not be read as JSON."""
    status = getattr(response, "status_code", None) or getattr(response, "status", None) or 0
    headers: Mapping[str, str] = getattr(response, "headers", None) or {}
    body = getattr(response, "data", None)
    kind = headers.get("Content-Type", "")
    page = "html" in kind or (isinstance(body, str) and body.lstrip()[:1] == "<") or not hasattr(response, "data")
    return weigh(int(status), headers, body if body and isinstance(body, dict) else None, page=page, needs_json=True)


def _proxy(base: str, wire: Wire) -> str | None:
    """The connection's proxy, else the environment's, which is for the world outside and not for this machine."""
    parts = urlsplit(base)
    host = parts.hostname or ""
    found = wire.proxy
    if found is None and not is_loopback(host) and not proxy_bypass(host):
        environment = getproxies()
        found = environment.get(parts.scheme) or environment.get("all")
        if found and "://" not in found:
            found = f"http://{found}"
    if found and urlsplit(found).scheme not in ("http", "https"):
        raise SettingsError("the proxy of the connection cannot be used: write http://host:port")
    return found or None


async def _refuse_redirect(session: Any, context: Any, params: Any) -> None:
    """Slack's API never sends elsewhere: whoever does is something between, and gets no message to read."""
    import aiohttp

    answer = params.response
    raise aiohttp.ClientResponseError(answer.request_info, (), status=answer.status, message="redirect")


def _silent() -> logging.Logger:
    """A logger that nobody's logging configuration reaches: a registered one would be given its level back."""
    logger = logging.Logger("daybreak.slack_sdk", level=logging.CRITICAL + 1)  # noqa: LOG001
    logger.propagate = False
    return logger
