"""How the services put a refusal or a fault into an answer."""

from __future__ import annotations

import uuid
from typing import Any

from daybreak.sandbox.answers import Answer, Raw, Refused, SlackRefused
from daybreak.sandbox.faults import Fault
from daybreak.sandbox.opsgenie import too_many


def slack_error(no: SlackRefused) -> Answer:
    """Slack's answer to a refusal."""
    body: dict[str, Any] = {"ok": False, "error": no.error, **no.extra}
    if no.messages:
        body["response_metadata"] = {"messages": no.messages}
    limited = no.error == "ratelimited"
    headers = {"Retry-After": str(no.retry_after)} if no.retry_after is not None else {}
    return Answer(status=429 if limited else 200, body=body, headers=headers)


def refusal(no: Refused, service: str) -> Answer:
    if service == "slack":
        return Answer(status=no.status, body={"ok": False, "error": "unknown_method"})
    body: dict[str, Any] = {"message": no.message}
    if service in ("opsgenie", "jsm"):
        body |= {"took": 0.001, "requestId": str(uuid.uuid4())}
    if no.errors:
        body["errors"] = no.errors
    if no.code:
        body["code"] = no.code
    return Answer(status=no.status, body=body, headers=no.headers)


def faulty_answer(fault: Fault, service: str) -> Answer | Raw:
    """What a service says in trouble. Nobody broke a rule, so nothing is put down as a violation."""
    mode = fault.mode
    if service == "slack":
        if mode == "429":
            wait = None if fault.retry_after is None else int(fault.retry_after)
            return slack_error(SlackRefused("ratelimited", retry_after=wait))
        if mode.isdecimal():
            return Raw(status=int(mode), body=b"upstream trouble", headers={"content-type": "text/plain"})
        return slack_error(
            SlackRefused({"expired_key": "token_expired", "archived_channel": "is_archived"}.get(mode, mode))
        )
    if mode == "429":
        return refusal(too_many(fault.retry_after), service)
    if mode == "expired_key":
        return refusal(Refused(401, "Could not authenticate"), service)
    if mode == "unknown_responder":
        errors = {"responders": "Responder does not exist"}
        return refusal(
            Refused(422, "Request body is not processable. Please check the errors.", errors=errors), service
        )
    headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    return refusal(Refused(int(mode), "Service is in trouble", headers=headers), service)
