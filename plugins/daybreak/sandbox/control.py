"""``/sandbox/...``: what programs and the page read and switch. It is not part of any imitated service.

Changes need ``Content-Type: application/json``, which a web page of another origin cannot send unasked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from daybreak.errors import SettingsError
from daybreak.sandbox import actions
from daybreak.sandbox.answers import Answer, Refused
from daybreak.sandbox.routing import Call, Routes
from daybreak.sandbox.world import World

DEFAULT_PERSON = "somebody@sandbox"


class Control:
    """The handlers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.routes = Routes()
        self.routes.add("GET", "/sandbox/state", self.state)
        self.routes.add("GET", "/sandbox/requests", self.requests)
        self.routes.add("POST", "/sandbox/reset", self.reset)
        self.routes.add("GET", "/sandbox/faults", self.faults)
        self.routes.add("POST", "/sandbox/faults", self.add_fault)
        self.routes.add("DELETE", "/sandbox/faults", self.clear_faults)
        self.routes.add("GET", "/sandbox/settings", self.settings)
        self.routes.add("POST", "/sandbox/settings", self.change_settings)
        self.routes.add("POST", "/sandbox/directory", self.add_people)
        self.routes.add("POST", "/sandbox/slack/channels", self.add_channel)
        for name in ("acknowledge", "close", "unacknowledge", "notes"):
            self.routes.add("POST", f"/sandbox/alerts/{{identifier}}/{name}", self._by_hand(name))

    def handle(self, call: Call) -> Answer:
        """:raises Refused: a request that makes no sense, with a line that says why."""
        handler, args = self.routes.find(call.method, call.segments)
        try:
            return handler(replace(call, args=args))
        except SettingsError as error:
            raise Refused(422, str(error)) from None

    def state(self, call: Call) -> Answer:
        """Everything; 304 without a body where ``If-None-Match`` names the present version."""
        tag = f'"{self.world.boot}-{self.world.version}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if call.headers.get("if-none-match") == tag:
            return Answer(status=304, headers=headers)
        return Answer(body=self.world.state(), headers=headers)

    def requests(self, call: Call) -> Answer:
        since = call.query.get("since", "0")
        if not since.isdecimal():
            raise Refused(422, f"since is the number of a request, not {since!r}")
        rows = self.world.records.requests(int(since))
        return Answer(body={"requests": rows, "count": self.world.records.count})

    def reset(self, call: Call) -> Answer:
        call.json(may_be_empty=True)
        self.world.reset()
        return Answer(body={"ok": True})

    def faults(self, call: Call) -> Answer:
        return Answer(body={"faults": self.world.faults.plain()})

    def add_fault(self, call: Call) -> Answer:
        fault = self.world.faults.add(call.json())
        self.world.changed()
        return Answer(status=201, body=fault.plain())

    def clear_faults(self, call: Call) -> Answer:
        self.world.faults.clear(call.query.get("service"))
        self.world.changed()
        return Answer(body={"faults": self.world.faults.plain()})

    def settings(self, call: Call) -> Answer:
        return Answer(body=self.world.state()["settings"])

    def change_settings(self, call: Call) -> Answer:
        self.world.options = self.world.options.changed(call.json())
        self.world.changed()
        return Answer(body=self.world.state()["settings"])

    def add_people(self, call: Call) -> Answer:
        self.world.directory.add(call.json())
        for name in self.world.directory.channels:
            self.world.channels.add(name)
        self.world.changed()
        return Answer(body=self.world.directory.plain())

    def add_channel(self, call: Call) -> Answer:
        """``{"name", "member", "archived"}``: make a channel, or change one."""
        body = call.json()
        name = body.get("name")
        flags = {key: value for key, value in body.items() if key != "name"}
        wrong = set(flags) - {"member", "archived"}
        if not isinstance(name, str) or not name or wrong or not all(isinstance(v, bool) for v in flags.values()):
            raise Refused(422, "a channel is {name: text, member: true|false, archived: true|false}")
        channel = self.world.channels.add(name, **flags)
        self.world.changed()
        return Answer(body=channel.plain())

    def _by_hand(self, name: str) -> Callable[[Call], Answer]:
        """What a person does to an alert in Opsgenie's own app: at once, and under a name."""

        def handler(call: Call) -> Answer:
            body: dict[str, Any] = call.json(may_be_empty=True)
            given = {"user": str(body.get("user") or DEFAULT_PERSON)[:100], "note": str(body.get("note") or "")}
            outcome = self.world.at_once(
                actions.act(self.world.book, name, call.args["identifier"], call.query.get("by", "id"), given)
            )
            if not outcome.success:
                raise Refused(404 if not outcome.alert_id else 409, outcome.status)
            return Answer(body={"ok": True, "status": outcome.status})

        return handler
