"""Opsgenie's configuration as far as a pager asks: heartbeats, who is on call, whether a name exists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daybreak.sandbox import rules
from daybreak.sandbox.alerts import known_id
from daybreak.sandbox.answers import Answer, Refused
from daybreak.sandbox.heartbeats import RULES as HEARTBEAT_RULES
from daybreak.sandbox.routing import Call, Routes
from daybreak.sandbox.world import World

KINDS = {"users": "user", "teams": "team", "schedules": "schedule", "escalations": "escalation"}


def add_lookups(routes: Routes, world: World) -> None:
    """Put the routes of heartbeats, schedules, users, teams, escalations and the account into ``routes``."""
    lookups = Lookups(world)
    base = "/v2/heartbeats"
    routes.add("GET", base, lookups.heartbeats)
    routes.add("POST", base, lookups.add_heartbeat)
    routes.add("GET", f"{base}/{{name}}", lookups.heartbeat)
    routes.add("PATCH", f"{base}/{{name}}", lookups.change_heartbeat)
    routes.add("DELETE", f"{base}/{{name}}", lookups.delete_heartbeat)
    for method in ("GET", "POST", "PUT", "PATCH"):
        routes.add(method, f"{base}/{{name}}/ping", lookups.ping)
    routes.add("POST", f"{base}/{{name}}/enable", lookups.switch(True))
    routes.add("POST", f"{base}/{{name}}/disable", lookups.switch(False))
    routes.add("GET", "/v2/account", lookups.account)
    routes.add("GET", "/v2/schedules/{identifier}/on-calls", lookups.on_calls)
    for plural, kind in KINDS.items():
        routes.add("GET", f"/v2/{plural}", lookups.all_of(kind))
        routes.add("GET", f"/v2/{plural}/{{identifier}}", lookups.one_of(kind))


class Lookups:
    """The handlers of :func:`add_lookups`."""

    def __init__(self, world: World) -> None:
        self.world = world

    def heartbeats(self, call: Call) -> Answer:
        return Answer(body={"data": {"heartbeats": [beat.data() for beat in self.world.heartbeats.known.values()]}})

    def add_heartbeat(self, call: Call) -> Answer:
        body = call.json()
        rules.check(body, HEARTBEAT_RULES, ("name", "interval", "intervalUnit"))
        beat = self.world.heartbeats.create(body)
        self.world.changed()
        return Answer(status=201, body={"data": {"name": beat.name, "enabled": beat.enabled, "expired": beat.expired}})

    def heartbeat(self, call: Call) -> Answer:
        return Answer(body={"data": self.world.heartbeats.get(call.args["name"]).data()})

    def change_heartbeat(self, call: Call) -> Answer:
        body = call.json()
        rules.check(body, {key: rule for key, rule in HEARTBEAT_RULES.items() if key != "name"})
        beat = self.world.heartbeats.change(call.args["name"], body)
        self.world.changed()
        return Answer(body={"data": {"name": beat.name, "enabled": beat.enabled, "expired": beat.expired}})

    def delete_heartbeat(self, call: Call) -> Answer:
        beat = self.world.heartbeats.get(call.args["name"])
        del self.world.heartbeats.known[beat.name]
        self.world.changed()
        return Answer(body={"result": "Deleted", "data": {"name": beat.name}})

    def switch(self, on: bool) -> Callable[[Call], Answer]:
        def handler(call: Call) -> Answer:
            beat = self.world.heartbeats.get(call.args["name"])
            beat.enabled = on
            self.world.changed()
            return Answer(body={"data": {"name": beat.name, "enabled": on, "expired": beat.expired}})

        return handler

    def ping(self, call: Call) -> Answer:
        """The same answer for a name that does not exist."""
        self.world.heartbeats.ping(call.args["name"], self.world.book, self.world.now())
        self.world.changed()
        return Answer(status=202, body={"result": "PONG - Heartbeat received"})

    def account(self, call: Call) -> Answer:
        users = len(self.world.directory.users)
        plan = {"maxUserCount": 500, "name": "Sandbox", "isYearly": True}
        return Answer(body={"data": {"name": "daybreak-sandbox", "userCount": users, "plan": plan}})

    def on_calls(self, call: Call) -> Answer:
        identifier, by_name = call.args["identifier"], call.query.get("scheduleIdentifierType", "id") == "name"
        name = self._schedule(identifier, by_name)
        people = self.world.directory.schedules[name]
        parent = {"id": known_id("schedule", name), "name": name, "enabled": True}
        if call.query.get("flat", "false") == "true":
            return Answer(body={"data": {"_parent": parent, "onCallRecipients": list(people)}})
        shown = [{"id": known_id("user", each), "name": each, "type": "user"} for each in people]
        return Answer(body={"data": {"_parent": parent, "onCallParticipants": shown}})

    def _schedule(self, identifier: str, by_name: bool) -> str:
        for name in self.world.directory.schedules:
            if identifier == (name if by_name else known_id("schedule", name)):
                return name
        raise Refused(404, f"Schedule with {'name' if by_name else 'id'} [{identifier}] does not exist.")

    def all_of(self, kind: str) -> Callable[[Call], Answer]:
        def handler(call: Call) -> Answer:
            names = sorted(getattr(self.world.directory, f"{kind}s"))
            return Answer(body={"data": [self._shown(kind, name) for name in names], "totalCount": len(names)})

        return handler

    def one_of(self, kind: str) -> Callable[[Call], Answer]:
        """A user by user name or id, the rest by id, or by name with ``identifierType=name``."""

        def handler(call: Call) -> Answer:
            identifier = call.args["identifier"]
            by_name = kind == "user" or call.query.get("identifierType", "id") == "name"
            directory = self.world.directory
            for name in getattr(directory, f"{kind}s"):
                if identifier == known_id(kind, name) or (by_name and identifier.lower() == name.lower()):
                    return Answer(body={"data": self._shown(kind, name)})
            if by_name and not self.world.options.strict and kind != "schedule":
                return Answer(body={"data": self._shown(kind, identifier)})
            raise Refused(404, f"{kind.title()} with {'name' if by_name else 'id'} [{identifier}] does not exist.")

        return handler

    def _shown(self, kind: str, name: str) -> dict[str, Any]:
        if kind == "user":
            full = self.world.directory.users.get(name) or name
            return {"id": known_id(kind, name), "username": name, "fullName": full, "blocked": False, "verified": True}
        return {"id": known_id(kind, name), "name": name, "enabled": True}
