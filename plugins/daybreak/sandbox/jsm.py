"""Jira Service Management. Its integration API is Opsgenie's with four requests; the rest needs a person's login.

``/jsm/ops/api/{cloudId}/v1/...`` is served with Basic authentication: heartbeats of a team, schedules and who is on
call, and reading alerts (by id, or searched for: an alias is no identifier there).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from typing import Any

from daybreak.sandbox import rules
from daybreak.sandbox.alerts import known_id
from daybreak.sandbox.answers import Answer, Refused
from daybreak.sandbox.heartbeats import RULES as HEARTBEAT_RULES
from daybreak.sandbox.heartbeats import Heartbeat
from daybreak.sandbox.opsgenie import search
from daybreak.sandbox.routing import Call, Routes
from daybreak.sandbox.world import World

BASE = "/jsm/ops/api/{cloud}/v1"
JSM_HEARTBEAT_RULES = {key: rule for key, rule in HEARTBEAT_RULES.items() if key != "ownerTeam"}


class JsmOps:
    """JSM's operations API, as far as a pager asks."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.routes = Routes()
        team = f"{BASE}/teams/{{team}}/heartbeats"
        for method in ("GET", "POST"):
            self.routes.add(method, f"{team}/ping", self.ping)
        self.routes.add("GET", team, self.heartbeats)
        self.routes.add("POST", team, self.add_heartbeat)
        self.routes.add("PATCH", team, self.change_heartbeat)
        self.routes.add("DELETE", team, self.delete_heartbeat)
        self.routes.add("GET", f"{BASE}/schedules", self.schedules)
        self.routes.add("GET", f"{BASE}/schedules/{{schedule}}/on-calls", self.on_calls)
        self.routes.add("GET", f"{BASE}/alerts", self.alerts)
        self.routes.add("GET", f"{BASE}/alerts/requests/{{number}}", self.request_status)
        self.routes.add("GET", f"{BASE}/alerts/{{identifier}}", self.alert)

    def handle(self, call: Call) -> Answer:
        """:raises Refused: as the real service refuses."""
        self._authenticate(call)
        handler, args = self.routes.find(call.method, call.segments)
        return handler(replace(call, args=args))

    def _authenticate(self, call: Call) -> None:
        scheme, _, value = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            raise Refused(401, "Basic authentication is needed here", rule="missing_key")
        try:
            given = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            given = ""
        if given != f"{self.world.options.jsm_user}:{self.world.options.jsm_token}":
            raise Refused(401, "Client must be authenticated to access this resource.", rule="wrong_key")

    def heartbeats(self, call: Call) -> Answer:
        wanted = call.query.get("name") or call.query.get("heartbeatName")
        beats = [beat for beat in self._of(call) if wanted in (None, beat.name)]
        return Answer(body={"values": [beat.jsm() for beat in beats], "links": {}})

    def add_heartbeat(self, call: Call) -> Answer:
        body = call.json()
        rules.check(body, JSM_HEARTBEAT_RULES, ("name", "interval", "intervalUnit"))
        beat = self.world.heartbeats.create(body, team=call.args["team"])
        self.world.changed()
        return Answer(status=201, body=beat.jsm())

    def change_heartbeat(self, call: Call) -> Answer:
        body = call.json()
        rules.check(body, JSM_HEARTBEAT_RULES)
        beat = self.world.heartbeats.change(self._named(call).name, body)
        self.world.changed()
        return Answer(body=beat.jsm())

    def delete_heartbeat(self, call: Call) -> Answer:
        del self.world.heartbeats.known[self._named(call).name]
        self.world.changed()
        return Answer(status=204)

    def ping(self, call: Call) -> Answer:
        name = call.query.get("name")
        if not name:
            raise Refused(422, "Heartbeat name is mandatory", errors={"name": "is mandatory"}, rule="missing_field")
        self.world.heartbeats.ping(name, self.world.book, self.world.now())
        self.world.changed()
        return Answer(status=202, body={"message": "PONG - Heartbeat received"})

    def schedules(self, call: Call) -> Answer:
        wanted = call.query.get("query", "").lower()
        names = [name for name in self.world.directory.schedules if wanted in name.lower()]
        rows = [{"id": known_id("schedule", name), "name": name, "enabled": True} for name in names]
        return Answer(body={"values": rows, "links": {}})

    def on_calls(self, call: Call) -> Answer:
        for name, people in self.world.directory.schedules.items():
            if known_id("schedule", name) == call.args["schedule"]:
                ids = [known_id("user", person) for person in people]
                if call.query.get("flat", "false") == "true":
                    return Answer(body={"onCallUsers": ids})
                return Answer(body={"onCallParticipants": [{"id": each, "type": "user"} for each in ids]})
        raise Refused(404, "Schedule does not exist")

    def alerts(self, call: Call) -> Answer:
        found = search(self.world.book.alerts, call.query.get("query", ""))
        return Answer(body={"values": [alert.data() for alert in found[::-1][:100]], "count": len(found), "links": {}})

    def request_status(self, call: Call) -> Answer:
        outcome = self.world.statuses.get(call.args["number"])
        if outcome is None:
            raise Refused(404, "Request not found. It might not be processed, yet.")
        return Answer(body=outcome.data())

    def alert(self, call: Call) -> Answer:
        alert = self.world.book.find(call.args["identifier"], "id")
        if alert is None:
            raise Refused(404, "Alert does not exist")
        data: dict[str, Any] = alert.data()
        return Answer(body={**data, "extraProperties": data["details"]})

    def _of(self, call: Call) -> list[Heartbeat]:
        return [beat for beat in self.world.heartbeats.known.values() if beat.team == call.args["team"]]

    def _named(self, call: Call) -> Heartbeat:
        name = call.query.get("name", "")
        found = next((beat for beat in self._of(call) if beat.name == name), None)
        if found is None:
            raise Refused(404, f"Heartbeat with name [{name}] does not exist.")
        return found
