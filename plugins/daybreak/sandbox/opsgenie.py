"""Opsgenie's REST API: alerts and their actions, heartbeats, and the look-ups that a pager needs."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from daybreak.sandbox import actions, rules
from daybreak.sandbox.alerts import Alert
from daybreak.sandbox.answers import Answer, Refused
from daybreak.sandbox.lookups import add_lookups
from daybreak.sandbox.routing import Call, Routes
from daybreak.sandbox.world import World

IDENTIFIER_TYPES = ("id", "alias", "tiny")
LISTED = 100
TERM = re.compile(
    r"(?P<name>status|alias|message|priority|tag|tinyId|acknowledged)\s*:\s*"
    r'(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]+))\s*(?:$|AND\s+(?=\S))',
    re.IGNORECASE,
)


class Opsgenie:
    """One of the two dialects: ``via`` is "opsgenie" or "jsm", and JSM knows four requests and no more."""

    def __init__(self, world: World, *, via: str = "opsgenie") -> None:
        self.world = world
        self.via = via
        self.routes = Routes()
        base = "/v2/alerts" if via == "opsgenie" else "/jsm/ops/integration/v2/alerts"
        self.routes.add("POST", base, self.create)
        names = list(rules.ACTIONS) if via == "opsgenie" else ["acknowledge", "close", "notes"]
        for name in names:
            self.routes.add("POST", f"{base}/{{identifier}}/{name}", self._action(name))
        if via == "opsgenie":
            self.routes.add("GET", f"{base}/requests/{{number}}", self.request_status)
            self.routes.add("GET", f"{base}/count", self.count)
            self.routes.add("GET", base, self.alerts)
            self.routes.add("GET", f"{base}/{{identifier}}", self.get)
            self.routes.add("DELETE", f"{base}/{{identifier}}", self.delete)
            for name in ("notes", "logs", "recipients"):
                self.routes.add("GET", f"{base}/{{identifier}}/{name}", self._listing(name))
            for name in rules.CHANGES:
                self.routes.add("PUT", f"{base}/{{identifier}}/{name}", self._change(name))
            add_lookups(self.routes, world)

    def handle(self, call: Call) -> Answer:
        """:raises Refused: as the real service refuses."""
        started = time.perf_counter()
        self._authenticate(call)
        self._throttle(call)
        handler, args = self.routes.find(call.method, call.segments)
        answer = handler(replace(call, args=args))
        body = {**answer.body, "took": round(time.perf_counter() - started, 4)}
        body.setdefault("requestId", str(uuid.uuid4()))
        return Answer(status=answer.status, body=body, headers={"X-RateLimit-State": "OK", **answer.headers})

    def _authenticate(self, call: Call) -> None:
        given = call.headers.get("authorization", "")
        scheme, _, key = given.partition(" ")
        if scheme != "GenieKey" or not key:
            raise Refused(401, "Could not authenticate", rule="missing_key")
        options = self.world.options
        if options.read_only_key and key == options.read_only_key:
            if call.method != "GET":
                raise Refused(403, "You are not allowed to perform this operation.", rule="read_only_key", code=40301)
        elif key != options.key:
            raise Refused(401, "Could not authenticate", rule="wrong_key")

    def _throttle(self, call: Call) -> None:
        if not self.world.options.rate_limits:
            return
        domain = "reads" if call.method == "GET" else "actions"
        if "heartbeats" in call.segments:
            domain = "config"
        elif call.method == "POST" and call.segments[-1] == "alerts":
            domain = "alerts"
        wait = self.world.buckets.take(domain, self.world.now())
        if wait:
            raise too_many(None)

    def create(self, call: Call) -> Answer:
        body = call.json()
        rules.check(body, rules.CREATE, ("message",))
        self._drop_unknown(body, call)
        return self._accept(actions.create(self.world.book, body, self.via))

    def _action(self, name: str) -> Callable[[Call], Answer]:
        allowed, required = rules.ACTIONS[name]

        def handler(call: Call) -> Answer:
            kind = identifier_type(call.query)
            body = call.json(may_be_empty=required is None)
            rules.check(body, allowed, (required,) if required else ())
            if name == "responders":
                self._drop_unknown(body, call)
            return self._accept(actions.act(self.world.book, name, call.args["identifier"], kind, body))

        return handler

    def _change(self, name: str) -> Callable[[Call], Answer]:
        def handler(call: Call) -> Answer:
            kind = identifier_type(call.query)
            body = call.json()
            rules.check(body, {name: rules.CHANGES[name]}, (name,))
            return self._accept(actions.act(self.world.book, name, call.args["identifier"], kind, body))

        return handler

    def delete(self, call: Call) -> Answer:
        kind = identifier_type(call.query)
        body = {"user": call.query.get("user", "")}
        return self._accept(actions.act(self.world.book, "delete", call.args["identifier"], kind, body))

    def _accept(self, work: actions.Work) -> Answer:
        number = self.world.later(work)
        return Answer(status=202, body={"result": "Request will be processed", "requestId": number})

    def _drop_unknown(self, body: dict[str, Any], call: Call) -> None:
        """With a strict directory, nobody is notified under a name that does not exist, and nobody says so."""
        if not self.world.options.strict:
            return
        given = body.get("responders") or ([body["responder"]] if body.get("responder") else [])
        for each in given:
            name = each.get("username") or each.get("name")
            if name and not self.world.directory.knows(each["type"], name):
                self.world.violated(self.via, call.method, call.path, "unknown_responder", f"{each['type']} {name}")
                if "responders" in body:
                    body["responders"] = [other for other in body["responders"] if other is not each]

    def request_status(self, call: Call) -> Answer:
        outcome = self.world.statuses.get(call.args["number"])
        if outcome is None:
            raise Refused(404, "Request not found. It might not be processed, yet.")
        return Answer(body={"data": outcome.data(), "requestId": call.args["number"]})

    def get(self, call: Call) -> Answer:
        return Answer(body={"data": self._find(call).data()})

    def alerts(self, call: Call) -> Answer:
        found = self._search(call)
        offset, limit = _number(call, "offset", 0), min(_number(call, "limit", 20), LISTED)
        if call.query.get("order", "desc") == "desc":
            found.reverse()
        return Answer(body={"data": [alert.data() for alert in found[offset : offset + limit]], "paging": {}})

    def count(self, call: Call) -> Answer:
        return Answer(body={"data": {"count": len(self._search(call))}})

    def _search(self, call: Call) -> list[Alert]:
        return search(self.world.book.alerts, call.query.get("query", ""))

    def _listing(self, name: str) -> Callable[[Call], Answer]:
        def handler(call: Call) -> Answer:
            alert = self._find(call)
            rows = {"notes": alert.notes, "logs": alert.log, "recipients": alert.responders}[name]
            return Answer(body={"data": rows})

        return handler

    def _find(self, call: Call) -> Alert:
        alert = self.world.book.find(call.args["identifier"], identifier_type(call.query))
        if alert is None:
            raise Refused(404, "Alert not found")
        return alert


def identifier_type(query: Mapping[str, str]) -> str:
    """:raises Refused: 422 for a type that there is not."""
    kind = query.get("identifierType", "id")
    if kind not in IDENTIFIER_TYPES:
        errors = {"identifierType": f"should be one of {', '.join(IDENTIFIER_TYPES)}"}
        raise Refused(422, rules.UNPROCESSABLE, errors=errors, rule="identifier_type")
    return kind


def too_many(retry_after: float | None) -> Refused:
    """The 429 of Opsgenie."""
    headers = {
        "X-RateLimit-State": "THROTTLED",
        "X-RateLimit-Reason": "ACCOUNT",
        "X-RateLimit-Period-In-Sec": "60",
    }
    if retry_after is not None:
        headers["Retry-After"] = f"{retry_after:g}"
    return Refused(429, "You are making too many requests!", headers=headers)


def search(alerts: list[Alert], text: str) -> list[Alert]:
    """The alerts that a query such as ``status:open AND alias:"a b"`` finds; only ``AND`` of plain terms is served.

    :raises Refused: 422 for a term of another form.
    """
    found, rest = list(alerts), text.strip()
    while rest:
        term = TERM.match(rest)
        if term is None:
            raise Refused(422, rules.UNPROCESSABLE, errors={"query": f"not understood: {rest}"}, rule="query")
        value = term["plain"] if term["quoted"] is None else term["quoted"]
        found = [alert for alert in found if _holds(alert, term["name"], value)]
        rest = rest[term.end() :]
    return found


def _holds(alert: Alert, name: str, value: str) -> bool:
    if name == "tag":
        return value in alert.tags
    if name == "message":
        return value.lower() in alert.message.lower()
    shown = alert.data()[name]
    return str(shown).lower() == value.lower() if isinstance(shown, bool) else bool(shown == value)


def _number(call: Call, name: str, default: int) -> int:
    value = call.query.get(name, str(default))
    if not value.isdecimal():
        errors = {name: "should be a whole number from 0 on"}
        raise Refused(422, rules.UNPROCESSABLE, errors=errors, rule="query")
    return int(value)
